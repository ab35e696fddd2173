import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { openBrowser } from '../support/browser.ts'
import { type Service, sample, startService } from '../support/service.ts'
import { startThrowawayPostgres } from '../support/throwaway-postgres.ts'

/** Takes the README's pictures: the real service with its own model and policies, the sample photos of a made-up market, in both themes. */
const PHOTOS = [
  'coffee',
  'temple',
  'flower',
  'hubble',
  'cat',
  'coffee',
  'flower',
  'astronaut',
  'temple',
  'rocket',
  'coffee',
  'portrait',
]
const UPLOADS = 168
const HOURS = 24
const SELLERS = ['seller-204', 'seller-311', 'seller-77', 'seller-9']
const FOLDER = path.join(packageRoot, 'docs', 'images')
const VIEWPORT = { width: 1280, height: 860 }

const postgres = await startThrowawayPostgres()
process.env.TEST_DATABASE_URL = postgres.url
const service = await startService()
const browser = await openBrowser()
try {
  await fill(service)
  await mkdir(FOLDER, { recursive: true })
  const context = await browser.newContext({ viewport: VIEWPORT, reducedMotion: 'reduce' })
  const page = await context.newPage()
  await signIn(page)
  for (const [name, show] of Object.entries({ overview: showOverview, queue: showQueue, review: showReview })) {
    await show(page)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      const shot = await page.screenshot()
      await sharp(shot)
        .png({ palette: true, quality: 90, effort: 10 })
        .toFile(path.join(FOLDER, `${name}-${colorScheme}.png`))
    }
  }
} finally {
  await browser.close()
  await service.stop()
  await postgres.stop()
}

/** Uploads photos, and spreads them over the last day. */
async function fill({ upload, decisionOf, database }: Service): Promise<void> {
  const photos = new Map(
    await Promise.all([...new Set(PHOTOS)].map(async (name) => [name, await sample(`${name}.jpg`)] as const)),
  )
  const ids: string[] = []
  for (let index = 0; index < UPLOADS; index++) {
    const name = PHOTOS[index % PHOTOS.length] as string
    const about = `external_id=listing-${48_100 + index}&source=market&uploader=${SELLERS[index % SELLERS.length]}`
    ids.push((await upload(photos.get(name) as Buffer, `?${about}`)).body.id)
  }
  for (const id of ids) await decisionOf(id, 120_000)
  for (const [index, id] of ids.entries()) {
    // More by day than by night.
    const share = index / UPLOADS
    const hours = HOURS * (1 - share) + 2.4 * Math.sin(2 * Math.PI * share)
    const earlier = `make_interval(secs => ${Math.max(40, 3600 * hours).toFixed(3)})`
    await database.query(
      `UPDATE pixwarden.uploads SET received_at = received_at - ${earlier}, decided_at = decided_at - ${earlier} WHERE id = $1`,
      [id],
    )
    await database.query(`UPDATE pixwarden.decisions SET decided_at = decided_at - ${earlier} WHERE upload_id = $1`, [id])
    await database.query(`UPDATE pixwarden.reviews SET opened_at = opened_at - ${earlier} WHERE upload_id = $1`, [id])
  }
}

async function signIn(page: Page): Promise<void> {
  await page.goto(`${service.url}/dashboard/overview`)
  await page.getByLabel('API key').fill(service.key)
  await page.getByLabel('Your name').fill('Ada')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
}

async function showOverview(page: Page): Promise<void> {
  await page.reload({ waitUntil: 'networkidle' }).catch(() => {})
  await page.locator('.figure-value').first().waitFor()
}

async function showQueue(page: Page): Promise<void> {
  await page.goto(`${service.url}/dashboard/`)
  await page.getByRole('row').nth(3).waitFor()
}

/** The cat, with what the model made of it. */
async function showReview(page: Page): Promise<void> {
  await page.goto(`${service.url}/dashboard/review?policy=live-animals`)
  await page.getByRole('button', { name: /Approve/ }).waitFor()
  await page.keyboard.press('v')
  await page.keyboard.press('g')
  await page.keyboard.press('e')
  await page.getByText(/The match lies/).waitFor({ timeout: 60_000 })
}
