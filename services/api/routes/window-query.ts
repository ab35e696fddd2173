import { z } from 'zod'
import { OVERVIEW_WINDOWS } from '../../core/domain/overview-span.ts'

/** Of statistics. */
export const windowQuery = z.enum(OVERVIEW_WINDOWS).default('24h').describe('The time that is looked at, up to now.')
