import { useSignal } from '@preact/signals'
import { hasProblem } from '../api.ts'
import { Button } from '../parts/button.tsx'
import { errorText } from '../parts/error-note.tsx'
import { Field } from '../parts/field.tsx'
import { Mark } from '../parts/mark.tsx'
import { useTitle } from '../parts/use-title.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** `error` is why a sign-in link did not work. */
export function SignInPage({ expired, error }: { expired: boolean; error: unknown }) {
  const { api, session, preferences } = useShell()
  const busy = useSignal(false)
  const refusal = useSignal<string | undefined>(error ? linkText(error) : undefined)
  const text = strings.signIn
  useTitle(text.title)

  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (busy.value) return
    const fields = new FormData(event.currentTarget as HTMLFormElement)
    const name = String(fields.get('name') ?? '').trim()
    busy.value = true
    refusal.value = undefined
    try {
      await session.signIn(api, String(fields.get('key') ?? '').trim(), name)
      preferences.set({ name })
    } catch (reason) {
      refusal.value = hasProblem(reason, 'unauthenticated') ? text.wrongKey : errorText(reason)
    }
    busy.value = false
  }

  return (
    <main class="lone">
      <form class="panel stack sign-in" onSubmit={submit}>
        <h1 class="row">
          <Mark />
          {strings.app.name}
        </h1>
        <p class="dim">{text.lead}</p>
        {expired && <p class="note">{text.expired}</p>}
        {refusal.value && (
          <p class="note error" role="alert">
            {refusal.value}
          </p>
        )}
        <Field
          label={text.key}
          hint={text.keyHint}
          name="key"
          type="password"
          autocomplete="current-password"
          required
          spellcheck={false}
        />
        <Field
          label={text.name}
          hint={text.nameHint}
          name="name"
          autocomplete="username"
          maxLength={100}
          defaultValue={preferences.current.value.name}
        />
        <Button kind="primary" type="submit" busy={busy.value}>
          {text.submit}
        </Button>
      </form>
    </main>
  )
}

function linkText(error: unknown): string {
  return hasProblem(error, 'offline') ? strings.parts.offline : strings.signIn.usedLink
}
