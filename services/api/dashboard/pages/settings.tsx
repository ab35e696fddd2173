import { Field, SelectField } from '../parts/field.tsx'
import { useTitle } from '../parts/use-title.ts'
import { BLURS, type Preference, THEMES } from '../preferences.ts'
import { useShell } from '../shell.ts'
import { strings } from '../strings.ts'

/** How somebody likes to work. Every change counts at once. */
export function SettingsPage() {
  const { preferences } = useShell()
  const current = preferences.current.value
  const text = strings.settings
  useTitle(text.title)
  return (
    <>
      <div class="page-head">
        <h1>{text.title}</h1>
        <p class="dim">{text.lead}</p>
      </div>
      <form class="settings" onSubmit={(event) => event.preventDefault()}>
        <fieldset class="panel stack">
          <legend>{text.look}</legend>
          <SelectField
            label={text.blur}
            value={current.blur}
            options={BLURS.map((blur) => ({ value: blur, text: text.blurs[blur] }))}
            onChange={(blur) => preferences.set({ blur: blur as Preference['blur'] })}
          />
          <Choice label={text.greyscale} checked={current.greyscale} onChange={(greyscale) => preferences.set({ greyscale })} />
          <p class="hint">{text.motion}</p>
        </fieldset>
        <fieldset class="panel stack">
          <legend>{text.breaks}</legend>
          <Amount
            label={text.breakMinutes}
            value={current.breakMinutes}
            most={240}
            onChange={(breakMinutes) => preferences.set({ breakMinutes })}
          />
          <Amount
            label={text.breakPictures}
            value={current.breakPictures}
            most={2000}
            onChange={(breakPictures) => preferences.set({ breakPictures })}
          />
        </fieldset>
        <fieldset class="panel stack">
          <legend>{text.appearance}</legend>
          <SelectField
            label={strings.theme.label}
            value={current.theme}
            options={THEMES.map((theme) => ({ value: theme, text: strings.theme[theme] }))}
            onChange={(theme) => preferences.set({ theme: theme as Preference['theme'] })}
          />
          <p class="hint">{text.sounds}</p>
        </fieldset>
        <fieldset class="panel stack">
          <legend>{text.keys}</legend>
          <Choice label={text.shortcuts} checked={current.shortcuts} onChange={(shortcuts) => preferences.set({ shortcuts })} />
          <p class="hint">{text.shortcutsHint}</p>
        </fieldset>
      </form>
    </>
  )
}

function Choice({ label, checked, onChange }: { label: string; checked: boolean; onChange(checked: boolean): void }) {
  return (
    <label class="choice">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      {label}
    </label>
  )
}

function Amount({ label, value, most, onChange }: { label: string; value: number; most: number; onChange(value: number): void }) {
  return (
    <Field
      label={label}
      hint={strings.settings.breakHint}
      type="number"
      min={0}
      max={most}
      step={5}
      value={value}
      onChange={(event) => {
        const { valueAsNumber } = event.currentTarget
        if (valueAsNumber >= 0 && valueAsNumber <= most) onChange(valueAsNumber)
      }}
    />
  )
}
