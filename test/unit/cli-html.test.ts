import { expect, test } from 'vitest'
import { html } from '../../services/cli/report/html.ts'
import { scoreBar } from '../../services/cli/report/score-bar.ts'

test('values are text, in elements and in attributes', () => {
  const name = `"><img src=x onerror='alert(1)'>&amp;`
  expect(html`<p title="${name}">${name}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`)
})
const escaped = '&#34;&#62;&#60;img src=x onerror=&#39;alert(1)&#39;&#62;&#38;amp;'

test('parts keep their markup, and what is absent leaves nothing', () => {
  expect(html`<ul>${['a', '<b>'].map((item) => html`<li>${item}</li>`)}${undefined}${false}${0}</ul>`.text).toBe(
    '<ul><li>a</li><li>&#60;b&#62;</li>0</ul>',
  )
})

test('a bar stays inside its frame, whatever the score', () => {
  const bar = scoreBar({ score: -0.2, threshold: 1.5, matched: false }).text
  expect(bar).toContain('class="under" width="0"')
  expect(bar).toContain('aria-label="score -0.200, threshold 1.500"')
})
