import { REVIEW_ORIGINS, REVIEW_STATES } from '../../../core/domain/review.ts'
import { SelectField } from '../parts/field.tsx'
import { strings } from '../strings.ts'

export type Filters = { state: string; policy: string; source: string; origin: string; order: string }
export const ORDERS = ['priority', 'newest', 'oldest'] as const

type QueueFiltersProps = { filters: Filters; policies: string[]; sources: string[]; onChange(change: Partial<Filters>): void }

/** What of the queue is listed. */
export function QueueFilters({ filters, policies, sources, onChange }: QueueFiltersProps) {
  const text = strings.queue
  const any = { value: '', text: text.any }
  const named = (names: string[], chosen: string) => [
    any,
    ...[...new Set([...names, ...(chosen ? [chosen] : [])])].map((name) => ({ value: name, text: name })),
  ]
  return (
    <form class="filters" aria-label={text.filters} onSubmit={(event) => event.preventDefault()}>
      <SelectField
        label={text.state}
        value={filters.state}
        options={REVIEW_STATES.map((state) => ({ value: state, text: text.states[state] }))}
        onChange={(state) => onChange({ state })}
      />
      <SelectField
        label={text.policy}
        value={filters.policy}
        options={named(policies, filters.policy)}
        onChange={(policy) => onChange({ policy })}
      />
      <SelectField
        label={text.source}
        value={filters.source}
        options={named(sources, filters.source)}
        onChange={(source) => onChange({ source })}
      />
      <SelectField
        label={text.origin}
        value={filters.origin}
        options={[any, ...REVIEW_ORIGINS.map((origin) => ({ value: origin, text: text.origins[origin] }))]}
        onChange={(origin) => onChange({ origin })}
      />
      <SelectField
        label={text.order}
        value={filters.order}
        options={ORDERS.map((order) => ({ value: order, text: text.orders[order] }))}
        onChange={(order) => onChange({ order })}
      />
    </form>
  )
}
