import type { RuleResult } from '../../core/domain/decide.ts'
import type { Mode } from '../../core/domain/policy.ts'
import { scoreText } from '../../core/domain/telling-rule.ts'
import { counted } from '../counted.ts'
import { printable } from '../printable.ts'
import type { FailedFile, JudgedFile } from '../scan/scan-result.ts'
import { type Html, html } from './html.ts'
import { scoreBar } from './score-bar.ts'

export type Thumbnail = { url: string; width: number; height: number }
type ShownRule = RuleResult & { policy: string; mode: Mode }

export const GROUPS = ['reject', 'flag', 'error', 'approve'] as const
export type Group = (typeof GROUPS)[number]
export const GROUP_NAMES: Record<Group, string> = { reject: 'rejected', flag: 'flagged', error: 'error', approve: 'approved' }

/** A judged file with its picture, which is veiled unless it was approved; rules that matched are open, the others folded away. */
export function judgedCard({ file, action, policies, image, detail }: JudgedFile, picture: Thumbnail | undefined): Html {
  const rules = policies.flatMap(({ id, mode, rules }) => rules.map((rule): ShownRule => ({ ...rule, policy: id, mode })))
  const reasons = rules.filter((rule) => rule.action !== 'approve')
  const others = rules.filter((rule) => rule.action === 'approve')
  return card(
    file,
    action,
    html`${picture && pictureOf(file, action, picture)}`,
    html`<p>${image.width} × ${image.height}${detail && `, ${detail}`}</p>
${reasons.length > 0 && ruleList(reasons)}
${others.length > 0 && html`<details><summary>${counted(others.length, 'rule')} below the threshold</summary>${ruleList(others)}</details>`}`,
  )
}

export function failedCard({ file, error }: FailedFile): Html {
  return card(file, 'error', html``, html`<p>${error.code}: ${printable(error.message)}</p>`)
}

function card(file: string, group: Group, picture: Html, body: Html): Html {
  return html`<article data-group="${group}">${picture}
<div><h2><bdi>${printable(file)}</bdi></h2>
<p><strong class="${group}">${GROUP_NAMES[group]}</strong></p>
${body}</div></article>
`
}

function pictureOf(file: string, action: Group, { url, width, height }: Thumbnail): Html {
  const image = html`<img src="${url}" width="${width}" height="${height}" alt="" loading="lazy">`
  if (action === 'approve') return html`<div class="picture">${image}</div>`
  return html`<label class="picture veiled"><input type="checkbox" aria-label="Show the picture ${printable(file)}">${image}<span aria-hidden="true">blurred: press to show</span></label>`
}

function ruleList(rules: ShownRule[]): Html {
  return html`<ul>${rules.map(
    (rule) => html`<li><b>${rule.policy}/${rule.id}</b>${rule.mode === 'shadow' && html` <i>shadow: does not act</i>`}
${scoreBar(rule)}<span class="score">${scoreText(rule)}</span>
${rule.prompt && html`<span class="prompts">“${rule.prompt}”${rule.contrast && ` rather than “${rule.contrast}”`}</span>`}</li>
`,
  )}</ul>`
}
