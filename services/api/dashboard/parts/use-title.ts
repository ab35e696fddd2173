import { useEffect } from 'preact/hooks'
import { strings } from '../strings.ts'

/** Names the browser's tab, and gives a page that was gone to the focus, so that it is read out. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · ${strings.app.name}`
  }, [title])
  useEffect(() => {
    document.getElementById('page')?.focus({ preventScroll: true })
  }, [])
}
