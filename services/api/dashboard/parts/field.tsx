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

type SelectFieldProps = Omit<ComponentProps<'select'>, 'onChange' | 'value'> & {
  label: string
  value: string
  options: { value: string; text: string }[]
  onChange(value: string): void
}

export function SelectField({ label, options, value, onChange, ...rest }: SelectFieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select {...rest} id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  )
}
