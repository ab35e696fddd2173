import { useSignal } from '@preact/signals'
import type { AuditView } from '../../../core/domain/audit.ts'
import type { Page } from '../api-types.ts'
import { AuditEntry } from '../audit/audit-entry.tsx'
import type { PageProps } from '../page-props.ts'
import { Button } from '../parts/button.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { Field, SelectField } from '../parts/field.tsx'
import { usePages } from '../parts/use-pages.ts'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/admin.css'

/** Who changed what, newest first; the filters are in the address. */
export function AuditPage({ query: { action = '', subject = '' } }: PageProps) {
  const { api } = useShell()
  const text = strings.audit
  useTitle(text.title)
  const pages = usePages<AuditView>(
    (cursor, signal) => api.get<Page<AuditView>>('/audit', { query: { action, subject, cursor, limit: 50 }, signal }),
    [action, subject],
  )
  const found = pages.items.value
  return (
    <>
      <header class="page-head">
        <h1>{text.title}</h1>
      </header>
      <p class="dim">
        {text.verify} <code>npx pixwarden audit verify</code>
      </p>
      <Filters action={action} subject={subject} />
      {pages.error.value !== undefined && <ErrorNote error={pages.error.value} onRetry={pages.reload} />}
      {found.length === 0 && !pages.loading.value && !pages.error.value && <EmptyState title={text.none} />}
      <ol class="audit">
        {found.map((entry) => (
          <AuditEntry key={entry.seq} entry={entry} />
        ))}
      </ol>
      {pages.hasMore.value && (
        <Button busy={pages.loading.value} onClick={pages.more}>
          {strings.parts.more}
        </Button>
      )}
    </>
  )
}

function Filters({ action, subject }: { action: string; subject: string }) {
  const { router } = useShell()
  const typed = useSignal(subject)
  const text = strings.audit
  const filter = (chosen: Record<string, string>) => {
    const given = Object.entries({ action, subject, ...chosen }).filter(([, value]) => value !== '')
    router.go(`/audit${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`, { replace: true })
  }
  return (
    <form
      class="audit-filters"
      onSubmit={(event) => {
        event.preventDefault()
        filter({ subject: typed.value.trim() })
      }}
    >
      <SelectField
        label={text.action}
        value={action}
        options={[
          { value: '', text: text.anyAction },
          ...Object.entries(text.actions).map(([value, name]) => ({ value, text: name })),
        ]}
        onChange={(value) => filter({ action: value })}
      />
      <Field
        label={text.subject}
        value={typed.value}
        placeholder={text.subjectHint}
        maxLength={255}
        spellcheck={false}
        onInput={(event) => (typed.value = event.currentTarget.value)}
      />
      <Button type="submit">{text.filter}</Button>
    </form>
  )
}
