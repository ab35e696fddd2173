import { Badge } from '../parts/badge.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { countText } from '../parts/format.ts'
import { shortHash } from '../parts/format-figures.ts'
import { RelativeTime } from '../parts/relative-time.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import { diffLines, withContext } from './diff-lines.ts'
import type { PolicyVersion } from './policy.ts'
import { policyText } from './policy-text.ts'

/** Every version that has been active, newest first, each with what it changed. */
export function VersionList({ policyId }: { policyId: string }) {
  const { api } = useShell()
  const { data, error, reload } = useLoad(
    (signal) => api.get<{ items: PolicyVersion[] }>(`/policies/${encodeURIComponent(policyId)}/versions`, { signal }),
    [policyId],
  )
  const versions = (data.value?.items ?? []).toSorted((a, b) => (a.first_seen < b.first_seen ? 1 : -1))
  return (
    <section class="panel" aria-labelledby="versions-title">
      <h2 id="versions-title">{strings.policies.versions}</h2>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={reload} />}
      <ol class="versions">
        {versions.map((version, index) => (
          <li key={version.version}>
            <Version version={version} before={versions[index + 1]} />
          </li>
        ))}
      </ol>
    </section>
  )
}

function Version({ version, before }: { version: PolicyVersion; before: PolicyVersion | undefined }) {
  const text = strings.policies
  return (
    <>
      <p class="row">
        <code title={version.version}>{shortHash(version.version)}</code>
        {version.active && <Badge tone="approve">{text.active}</Badge>}
        <span class="dim">
          <RelativeTime at={version.first_seen} /> · {text.decisions(countText(version.decisions))}
        </span>
      </p>
      <details>
        <summary>{before ? text.changes(shortHash(before.version)) : text.wholeBody}</summary>
        <Difference before={before ? policyText(before.body) : []} after={policyText(version.body)} />
      </details>
    </>
  )
}

const SIGNS = { same: ' ', added: '+', removed: '−' } as const

function Difference({ before, after }: { before: string[]; after: string[] }) {
  const whole = before.length === 0
  const parts = whole
    ? [{ kind: 'lines' as const, lines: after.map((text) => ({ kind: 'same' as const, text })) }]
    : withContext(diffLines(before, after))
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="diff" aria-label={strings.policies.differences} tabIndex={0}>
      {parts.map((part, index) =>
        part.kind === 'left-out' ? (
          <p key={index} class="diff-left-out">
            {strings.policies.sameLines(part.count)}
          </p>
        ) : (
          part.lines.map(({ kind, text }, line) => {
            const Line = kind === 'added' ? 'ins' : kind === 'removed' ? 'del' : 'span'
            return (
              <Line key={`${index}.${line}`} class={`diff-line ${kind}`}>
                <span class="diff-sign">{SIGNS[kind]}</span>
                {text}
              </Line>
            )
          })
        ),
      )}
    </section>
  )
}
