import { createHash } from 'node:crypto'
import { summaryOf, type Tally } from '../scan/tally.ts'
import { GROUP_NAMES, GROUPS, type Group } from './card.ts'
import { Html, html } from './html.ts'
import { STYLE } from './style.ts'

export type PageOptions = {
  tally: Tally
  interrupted: boolean
  madeAt: Date
  model: { id: string; revision: string }
  policies: string[]
}

/** Nothing is loaded and nothing runs: pictures are inside the page, and the one style sheet is named by its hash. */
const POLICY = `default-src 'none'; img-src data:; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'`

/** A report up to its cards. */
export function pageHead({ tally, interrupted, madeAt, model, policies }: PageOptions): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>pixwarden: ${summaryOf(tally).split('\n')[0]}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<h1>What the policies say</h1>
${summaryOf(tally)
  .split('\n')
  .map((line) => html`<p>${line}</p>`)}
${interrupted && html`<p><strong class="error">The scan was interrupted: not every file was judged.</strong></p>`}
<p>Policies: ${policies.join(', ')}. Model: ${model.id} (${model.revision.slice(0, 12)}). Made <time datetime="${madeAt.toISOString()}">${madeAt.toUTCString()}</time>.</p>
<p>Pictures are shown as the model sees them. A score is evidence for a person to weigh, not a verdict about what is in the picture.</p>
</header>
${filter(tally)}
<main>
`
}

export const PAGE_END = '</main>\n</body>\n</html>\n'

function filter(tally: Tally): Html {
  const counts: Record<Group, number> = { ...tally, error: tally.failed }
  const total = GROUPS.reduce((sum, group) => sum + counts[group], 0)
  const choice = (id: string, name: string, checked: boolean) =>
    html`<label><input type="radio" name="show" id="show-${id}"${checked && ' checked'}> ${name}</label>
`
  return html`<fieldset><legend>Show</legend>
${choice('all', `all (${total})`, true)}${GROUPS.map((group) => choice(group, `${GROUP_NAMES[group]} (${counts[group]})`, false))}</fieldset>`
}
