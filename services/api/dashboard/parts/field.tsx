import type { ComponentProps } from 'preact'
import { useId } from 'preact/hooks'

type FieldProps = ComponentProps<'input'> & { label: string; hint?: string | undefined }

/** A labelled field with a hint that belongs to it. */
export function Field({ label, hint, ...rest }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input {...rest} id={id} aria-describedby={hint ? `${id}-hint` : undefined} />
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

type SelectFieldProps = {
  label: string
  value: string
  options: { value: string; text: string }[]
  onChange(value: string): void
}

export function SelectField({ label, options, value, onChange }: SelectFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  )
}
