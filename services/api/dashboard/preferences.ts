import { type Signal, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export const BLURS = ['off', 'standard', 'strong'] as const

export type Preference = {
  theme: (typeof THEMES)[number]
  /** How pictures wait to be revealed. `off` shows them at once. */
  blur: (typeof BLURS)[number]
  greyscale: boolean
  /** Minutes of reviewing before a break is proposed; 0 never does. */
  breakMinutes: number
  /** Pictures before a break is proposed; 0 never does. */
  breakPictures: number
  /** Keys of a single letter. */
  shortcuts: boolean
  /** The person's name as it was last signed in with. */
  name: string
}

export const DEFAULTS: Preference = {
  theme: 'system',
  blur: 'standard',
  greyscale: true,
  breakMinutes: 45,
  breakPictures: 100,
  shortcuts: true,
  name: '',
}

export type Preferences = { current: Signal<Preference>; set(change: Partial<Preference>): void }

const KEPT_AS = 'pixwarden:preferences'

/** What this browser's user likes; it is kept in `storage` only. */
export function createPreferences(storage: Pick<Storage, 'getItem' | 'setItem'>): Preferences {
  const current = signal<Preference>({ ...DEFAULTS, ...read(storage) })
  return {
    current,
    set(change) {
      current.value = { ...current.peek(), ...change }
      storage.setItem(KEPT_AS, JSON.stringify(current.peek()))
    },
  }
}

/** Whatever is not as it should be is left out. */
function read(storage: Pick<Storage, 'getItem'>): Partial<Preference> {
  try {
    const kept = JSON.parse(storage.getItem(KEPT_AS) ?? '{}') as Record<string, unknown>
    const sound = Object.entries(kept).filter(([name, value]) => typeof value === typeof DEFAULTS[name as keyof Preference])
    return Object.fromEntries(sound)
  } catch {
    return {}
  }
}
