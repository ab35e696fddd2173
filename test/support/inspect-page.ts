import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { packageRoot } from '../../services/core/infra/package-root.ts'

const SHOTS = path.join(packageRoot, 'artefacts', 'dashboard')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
const NARROW = { width: 360, height: 740 }
/** Of those that break a rule, enough to see which. */
const MOST_NODES = 3

export type Inspection = { name: string; viewport: { width: number; height: number }; fullPage?: boolean }

/** What axe finds on a page, in light, in dark and on a telephone; with a picture of each among the artefacts. The page is then as wide as before, and light. */
export async function inspectPage(page: Page, { name, viewport, fullPage = false }: Inspection): Promise<unknown[]> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const found: unknown[] = []
  const looks = [
    { look: 'light', colorScheme: 'light', size: viewport },
    { look: 'dark', colorScheme: 'dark', size: viewport },
    { look: 'narrow', colorScheme: 'light', size: NARROW },
  ] as const
  await mkdir(SHOTS, { recursive: true })
  for (const { look, colorScheme, size } of looks) {
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.evaluate(axe)
    const violations = await page.evaluate<{ id: string; nodes: { html: string }[] }[]>(
      `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then((run) => run.violations)`,
    )
    found.push(...violations.map(({ id, nodes }) => ({ look, id, nodes: nodes.slice(0, MOST_NODES).map(({ html }) => html) })))
    const sideways = await page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')
    if (sideways) found.push({ look, id: 'scrolls sideways' })
    await page.screenshot({ path: path.join(SHOTS, `${name}-${look}.png`), fullPage })
  }
  await page.setViewportSize(viewport)
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' })
  return found
}
