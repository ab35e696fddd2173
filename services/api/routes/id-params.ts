import { z } from 'zod'

/** An id as PostgreSQL writes it, however it was spelt: ids are also compared as text, in announcements, in answers and in the audit log. */
export const givenId = z.uuid().toLowerCase()

export const idParams = z.object({ id: givenId })
