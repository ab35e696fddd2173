import { OVERVIEW_WINDOWS, type OverviewWindow } from '../../../core/domain/overview-span.ts'

/** The window of time that the address asks for, or a day. */
export function spanOf(text: string | undefined): OverviewWindow {
  return OVERVIEW_WINDOWS.find((window) => window === text) ?? '24h'
}
