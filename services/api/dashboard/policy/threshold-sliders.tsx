import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'
import type { Thresholds } from '../../../core/domain/policy.ts'
import { Button } from '../parts/button.tsx'
import { thresholdText } from '../parts/format-figures.ts'
import { strings } from '../strings.ts'
import type { RuleScores } from './policy.ts'

const STEPS = 200

/** Tries other thresholds for a rule; they lie under its histogram, on the same scale. `flag` is never above `reject`: each pushes the other. */
export function ThresholdSliders({ scores, proposed }: { scores: RuleScores; proposed: Signal<Thresholds | undefined> }) {
  const { thresholds, buckets } = scores
  const range = { min: buckets[0]?.from ?? 0, max: buckets.at(-1)?.to ?? 1 }
  const { flag, reject } = proposed.value ?? thresholds
  const latest = () => proposed.peek() ?? thresholds
  const setFlag = (value: number) => {
    const { reject } = latest()
    proposed.value = { flag: value, ...(reject !== undefined && { reject: Math.max(reject, value) }) }
  }
  const setReject = (value: number | undefined) => {
    const { flag } = latest()
    const lowered = flag === undefined || value === undefined ? flag : Math.min(flag, value)
    proposed.value = { ...(lowered !== undefined && { flag: lowered }), ...(value !== undefined && { reject: value }) }
  }
  return (
    <fieldset class="sliders">
      <legend>{strings.policies.tryThresholds}</legend>
      <Slider label={strings.policies.flagFrom} value={flag ?? reject ?? range.max} onChange={setFlag} {...range} />
      <label class="choice">
        <input
          type="checkbox"
          checked={reject !== undefined}
          disabled={flag === undefined}
          onChange={(event) => setReject(event.currentTarget.checked ? (thresholds.reject ?? strictest(range)) : undefined)}
        />
        {strings.policies.rejectToo}
      </label>
      {reject !== undefined && <Slider label={strings.policies.rejectFrom} value={reject} onChange={setReject} {...range} />}
      {proposed.value && (
        <Button kind="quiet" onClick={() => (proposed.value = undefined)}>
          {strings.policies.resetThresholds}
        </Button>
      )}
    </fieldset>
  )
}

/** Where a machine might begin to reject: nearly at the top. */
function strictest({ min, max }: { min: number; max: number }): number {
  return max - (max - min) / 50
}

type SliderProps = { label: string; value: number; min: number; max: number; onChange(value: number): void }

function Slider({ label, value, min, max, onChange }: SliderProps) {
  const id = useId()
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{thresholdText(value)}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={(max - min) / STEPS}
        value={value}
        aria-valuetext={thresholdText(value)}
        onInput={(event) => onChange(Math.round(event.currentTarget.valueAsNumber * 1000) / 1000)}
      />
    </div>
  )
}
