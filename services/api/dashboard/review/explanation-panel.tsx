import { useSignal } from '@preact/signals'
import type * as explain from '../../../core/domain/explain.ts'
import { Button } from '../parts/button.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { SelectField } from '../parts/field.tsx'
import { Table } from '../parts/table.tsx'
import { strings } from '../strings.ts'
import { explainedRules } from './explained-rules.ts'
import { strongestRegion } from './heat.ts'
import type { ShownExplanation } from './use-explanation.ts'

const FIRST_PROMPTS = 6

/** Which words spoke for a match and which against it; nothing while nobody wants to see it. */
export function ExplanationPanel({ explanation: { load, rule: chosen, choose, retry } }: { explanation: ShownExplanation }) {
  const text = strings.review
  const all = useSignal(false)
  if (!load) return null
  const explanation = load.found.value
  if (load.error.value) return <ErrorNote title={text.explanationFailed} error={load.error.value} onRetry={retry} />
  if (explanation && !chosen) return <p class="note">{text.explanationFailed}</p>
  if (!explanation || !chosen)
    return (
      <section class="panel" aria-busy="true">
        <h2>{text.explanation}</h2>
        <p class="dim">{text.explaining}</p>
      </section>
    )
  const prompts = promptRows(chosen)
  return (
    <section class="panel stack">
      <h2>{text.explanation}</h2>
      <SelectField
        label={text.explainedRule}
        value={chosen.key}
        options={explainedRules(explanation).map(({ key, matched }) => ({
          value: key,
          text: matched ? text.matchedRule(key) : key,
        }))}
        onChange={choose}
      />
      <p class="small">{chosen.error ?? placeText(chosen)}</p>
      {!explanation.as_decided && <p class="note warning small">{text.notAsDecided}</p>}
      <Table
        caption={text.promptShares}
        columns={[
          { key: 'text', head: text.prompt, heads: true, cell: ({ kind, text: prompt }) => <span class={kind}>{prompt}</span> },
          { key: 'cosine', head: text.cosine, numeric: true, cell: ({ cosine }) => cosine.toFixed(3) },
          { key: 'share', head: text.share, numeric: true, cell: ({ share }) => <Share share={share} /> },
        ]}
        rows={all.value ? prompts : prompts.slice(0, FIRST_PROMPTS)}
        rowKey={({ kind, text: prompt }) => `${kind} ${prompt}`}
        rowClass={({ kind }) => `prompt-${kind}`}
      />
      {prompts.length > FIRST_PROMPTS && (
        <Button
          kind="quiet"
          onClick={() => {
            all.value = !all.value
          }}
        >
          {all.value ? text.fewPrompts : text.allPrompts(prompts.length)}
        </Button>
      )}
    </section>
  )
}

type PromptRow = explain.PhraseShare & { kind: 'concept' | 'contrast' | 'background' }

function promptRows({ concepts, contrasts, background }: explain.ExplainedRule): PromptRow[] {
  return [
    ...concepts.map((prompt) => ({ ...prompt, kind: 'concept' as const })),
    ...contrasts.map((prompt) => ({ ...prompt, kind: 'contrast' as const })),
    ...(background ? [{ ...background, text: strings.review.background, kind: 'background' as const }] : []),
  ].toSorted((a, b) => b.share - a.share)
}

function placeText({ heat_map: map }: explain.ExplainedRule): string {
  if (!map) return strings.review.noHeatMap
  const region = strongestRegion(map)
  return region ? strings.review.heatAt(region.row, region.column) : strings.review.heatNowhere
}

function Share({ share }: { share: number }) {
  return (
    <span class="share">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect width={Math.max(0, Math.min(1, share)) * 100} height="6" />
      </svg>
      {`${(share * 100).toFixed(1)} %`}
    </span>
  )
}
