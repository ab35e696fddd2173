import { useSignal } from '@preact/signals'
import type { ApiKey } from '../key/key.ts'
import { type KeyFields, KeyForm } from '../key/key-form.tsx'
import { Badge } from '../parts/badge.tsx'
import { Button } from '../parts/button.tsx'
import { ConfirmDialog } from '../parts/confirm-dialog.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { ErrorNote } from '../parts/error-note.tsx'
import { RelativeTime } from '../parts/relative-time.tsx'
import { SecretDialog } from '../parts/secret-dialog.tsx'
import { Table } from '../parts/table.tsx'
import { useLoad } from '../parts/use-load.ts'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'
import '../styles/admin.css'

/** The keys of the tenant, and what each may do. */
export function KeysPage() {
  const { api, announce } = useShell()
  const adding = useSignal(false)
  const secret = useSignal<string | undefined>(undefined)
  const revoking = useSignal<ApiKey | undefined>(undefined)
  const { data, error, reload } = useLoad((signal) => api.get<{ items: ApiKey[] }>('/keys', { signal }), [])
  const text = strings.keys
  useTitle(text.title)
  const create = async (fields: KeyFields) => {
    const made = await api.post<ApiKey & { secret: string }>('/keys', fields)
    secret.value = made.secret
    await reload()
  }
  const revoke = async () => {
    if (!revoking.value) return
    await api.delete(`/keys/${revoking.value.id}`)
    announce(text.revoked)
    await reload()
  }
  const keys = data.value?.items
  return (
    <>
      <header class="page-head">
        <h1>{text.title}</h1>
        <Button kind="primary" onClick={() => (adding.value = true)}>
          {text.add}
        </Button>
      </header>
      <p class="dim">{text.lead}</p>
      {error.value !== undefined && <ErrorNote error={error.value} onRetry={reload} />}
      {keys?.length === 0 && <EmptyState title={text.none} />}
      {keys && keys.length > 0 && (
        <Table
          caption={text.title}
          rows={keys}
          rowKey={({ id }) => id}
          rowClass={() => 'centred'}
          columns={[
            { key: 'name', head: text.name, heads: true, cell: (key) => <Name apiKey={key} /> },
            { key: 'scopes', head: text.scopes, cell: ({ scopes }) => <Scopes scopes={scopes} /> },
            { key: 'made', head: text.made, cell: ({ created_at }) => <RelativeTime at={created_at} /> },
            {
              key: 'used',
              head: text.used,
              cell: ({ last_used_at }) => (last_used_at ? <RelativeTime at={last_used_at} /> : text.never),
            },
            {
              key: 'actions',
              head: <span class="unseen">{text.actions}</span>,
              cell: (key) => (
                <Button kind="danger" aria-label={text.revokeOf(key.name)} onClick={() => (revoking.value = key)}>
                  {text.revoke}
                </Button>
              ),
            },
          ]}
        />
      )}
      <KeyForm open={adding.value} onSave={create} onClose={() => (adding.value = false)} />
      <SecretDialog
        title={text.secretTitle}
        secret={secret.value === undefined ? undefined : { text: secret.value, explanation: text.secretExplained }}
        onClose={() => (secret.value = undefined)}
      />
      <ConfirmDialog
        title={text.revokeTitle(revoking.value?.name ?? '')}
        open={revoking.value !== undefined}
        confirmText={text.revoke}
        onConfirm={revoke}
        onClose={() => (revoking.value = undefined)}
      >
        <p>{text.revokeMeans}</p>
      </ConfirmDialog>
    </>
  )
}

function Name({ apiKey: { name, current } }: { apiKey: ApiKey }) {
  return (
    <span class="row">
      {name}
      {current && <Badge tone="info">{strings.keys.current}</Badge>}
    </span>
  )
}

function Scopes({ scopes }: Pick<ApiKey, 'scopes'>) {
  return (
    <span class="row">
      {scopes.map((scope) => (
        <Badge key={scope} tone={scope === 'admin' ? 'flag' : 'neutral'}>
          {scope}
        </Badge>
      ))}
    </span>
  )
}
