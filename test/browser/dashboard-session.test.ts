import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgSessionStore } from '../../services/core/infra/pg-session-store.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { browserMissing, openBrowser } from '../support/browser.ts'

describe.skipIf(browserMissing('signing in to the dashboard'))('the dashboard', () => {
  let api: TestApi
  let database: Database
  let browser: Browser
  let page: Page
  /** What the browser complains of, such as what the page's policy forbids. */
  let complaints: string[]

  beforeAll(async () => {
    api = await startApi()
    database = openDatabase({ url: api.database.url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await database?.close()
    await api?.discard()
  })
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage()
    complaints = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
  })
  afterEach(() => page?.context().close())

  const newLink = async () => {
    const { id } = await api.keys.create({ tenant: 'default', name: 'moderators', scopes: ['review'] })
    return createPgSessionStore(database).createLink({ keyId: id, name: 'Ann' })
  }
  const signedInAs = (name: string) => page.getByText(`${name}`).first().waitFor()

  test('opens signed in by a link, keeps the link nowhere, and is still signed in after a reload', async () => {
    const link = await newLink()
    await page.goto(`${api.url}/dashboard/#link=${link}`)
    await signedInAs('Ann')
    expect(page.url()).toBe(`${api.url}/dashboard/`)
    expect(await page.evaluate('document.cookie')).toBe('')
    expect(api.logged.join('\n')).not.toContain(link)
    await page.reload()
    await signedInAs('Ann')
    expect(complaints).toEqual([])
  })

  test('takes a key and a name, refuses a wrong one, and lets nobody in after signing out', async () => {
    const key = await api.createKey(['review'])
    await page.goto(`${api.url}/dashboard/overview`)
    const submit = async (secret: string) => {
      await page.locator('input[name=key]').fill(secret)
      await page.locator('input[name=name]').fill('Ben')
      await page.locator('button[type=submit]').click()
    }
    await submit('pxw_wrong')
    await page.getByRole('alert').filter({ hasText: /./ }).waitFor()
    await submit(key)
    await signedInAs('Ben')
    expect(new URL(page.url()).pathname).toBe('/dashboard/overview')
    const [cookie] = await page.context().cookies()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('input[name=key]').waitFor()
    expect(await page.context().cookies()).toEqual([])
    const stolen = await fetch(`${api.url}/v1/session`, { headers: { cookie: `pxw_session=${cookie?.value}` } })
    expect(stolen.status).toBe(401)
  })

  test('sends nothing that a link has smuggled into an address', async () => {
    await page.goto(`${api.url}/dashboard/#link=${await newLink()}`)
    await signedInAs('Ann')
    const sent: string[] = []
    page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()))
    await page.goto(`${api.url}/dashboard/review/x%2F..%2F..%2Fuploads%2Fu%2Fappeal%3F`)
    await page.getByText('There is no such page').waitFor()
    expect(sent).toEqual([])
  })

  test('lends its session to no page of another site that is open beside it', async () => {
    await page.goto(`${api.url}/dashboard/#link=${await newLink()}`)
    await signedInAs('Ann')
    // For a browser `localhost` is another site than 127.0.0.1.
    const evil = createServer((_request, response) => response.end('<title>evil</title>')).listen(0, 'localhost')
    await once(evil, 'listening')
    try {
      const other = await page.context().newPage()
      await other.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`)
      // The answer is kept from the page as well; what counts is what the request could do.
      await other.evaluate(
        async (url) =>
          void (await fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: 'x' }).catch(() => {})),
        `${api.url}/v1/uploads?external_id=evil`,
      )
      const answers = api.logged.map((line) => JSON.parse(line)).filter(({ route }) => route === '/v1/uploads')
      expect(answers).toEqual([expect.objectContaining({ method: 'POST', status: 401 })])
    } finally {
      evil.close()
    }
    await page.reload()
    await signedInAs('Ann')
  })
})
