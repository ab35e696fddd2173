import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { browserMissing, openBrowser } from '../support/browser.ts'
import type { CliRun } from '../support/cli.ts'
import { createWorkspace, type Workspace } from '../support/cli-workspace.ts'

const HOSTILE = '<img src=x onerror="document.title=1">.jpg'

describe.skipIf(browserMissing('the report of a scan'))('the report of a scan, in a browser', () => {
  let space: Workspace
  let run: CliRun
  let browser: Browser
  let page: Page
  const requests: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    space = await createWorkspace()
    await space.photo('flower.jpg', `photos/${HOSTILE}`)
    await space.write('photos/broken.gif', 'GIF89a')
    run = await space.scan('--html', 'report.html', 'photos')
    browser = await openBrowser()
    page = await browser.newPage()
    page.on('request', (request) => requests.push(request.url()))
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    await page.goto(pathToFileURL(space.at('report.html')).href)
  })
  afterAll(async () => {
    await browser?.close()
    await space?.remove()
  })

  const card = (file: string) => page.locator('article').filter({ has: page.getByRole('heading', { name: file, exact: true }) })
  /** Expressions for the page are text: the DOM's types are not those of the tests. */
  const blurOf = (file: string) =>
    page.evaluate<string>(
      `getComputedStyle([...document.querySelectorAll('article')].find((card) => card.querySelector('h2').innerText === '${file}').querySelector('img')).filter`,
    )

  test('the command says where it is, and its exit code is that of any scan', () => {
    expect(run).toMatchObject({
      code: 2,
      stdout: '4 images: 2 approved, 1 flagged, 0 rejected, 1 error\nreport: report.html\n',
    })
  })

  test('shows the numbers and every file, what was flagged first', async () => {
    expect(await page.getByText('4 images: 2 approved, 1 flagged, 0 rejected, 1 error', { exact: true }).isVisible()).toBe(true)
    expect(await page.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual([
      'photos/cat.jpg',
      'photos/broken.gif',
      `photos/${HOSTILE}`,
      'photos/coffee.jpg',
    ])
  })

  test('explains a flag by its rule, score, threshold and prompts', async () => {
    const cat = card('photos/cat.jpg')
    expect(await cat.innerText()).toMatch(
      /live-animals\/animal\s+0\.\d{3} ≥ 0\.600\s+“a photo of a cat\.” rather than “a photo of /,
    )
    expect(await cat.getByRole('img', { name: /^score 0\.\d{3}, threshold 0\.600$/ }).isVisible()).toBe(true)
  })

  test('has a real picture of every judged file', async () => {
    const sizes = await page.evaluate('[...document.images].map((image) => image.naturalWidth)')
    expect(sizes).toEqual([240, 240, 240])
  })

  test('blurs what was flagged until it is pressed, pointed at or focused', async () => {
    expect(await blurOf('photos/coffee.jpg')).toBe('none')
    expect(await blurOf('photos/cat.jpg')).toMatch(/^blur/)
    const picture = card('photos/cat.jpg').locator('.picture')

    await picture.hover()
    expect(await blurOf('photos/cat.jpg')).toBe('none')
    await picture.click()
    await page.mouse.move(0, 0)
    expect(await blurOf('photos/cat.jpg')).toBe('none')
    await picture.click()
    await page.mouse.move(0, 0)
    await page.locator('body').click({ position: { x: 1, y: 1 } })
    expect(await blurOf('photos/cat.jpg')).toMatch(/^blur/)

    await page.getByRole('radio', { name: 'all (4)' }).focus()
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Show the picture photos/cat.jpg')
    expect(await blurOf('photos/cat.jpg')).toBe('none')
  })

  test('filters by what was decided', async () => {
    const shown = () => page.locator('article:visible').count()
    await page.getByRole('radio', { name: 'approved (2)' }).check()
    expect(await shown()).toBe(2)
    await page.getByRole('radio', { name: 'error (1)' }).check()
    expect(await shown()).toBe(1)
    await page.getByRole('radio', { name: 'all (4)' }).check()
    expect(await shown()).toBe(4)
  })

  test('runs nothing that a file name says, and loads nothing', async () => {
    expect(await page.title()).toBe('pixwarden: 4 images: 2 approved, 1 flagged, 0 rejected, 1 error')
    expect(requests.filter((url) => !url.startsWith('data:image/jpeg;'))).toEqual([pathToFileURL(space.at('report.html')).href])
    expect(complaints).toEqual([])
  })

  test('keeps its own rules even for markup that gets in', async () => {
    const report = await readFile(space.at('report.html'), 'utf8')
    await space.write(
      'tampered.html',
      report.replace('<main>', '<main><img src="x" onerror="document.title=1"><script>document.title=2</script>'),
    )
    const tampered = await browser.newPage()
    await tampered.goto(pathToFileURL(space.at('tampered.html')).href)
    expect(await tampered.title()).toMatch(/^pixwarden/)
    await tampered.close()
  })

  test('is readable in the dark', async () => {
    const colours = '[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]'
    const light = await page.evaluate(colours)
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await page.evaluate(colours)
    await page.emulateMedia({ colorScheme: 'light' })
    expect(light).toEqual(['rgb(255, 255, 255)', 'rgb(27, 29, 33)'])
    expect(dark).toEqual(['rgb(20, 22, 26)', 'rgb(230, 232, 236)'])
  })
})
