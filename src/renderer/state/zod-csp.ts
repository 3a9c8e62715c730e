// zod may not compile schemas with eval under our CSP; must be imported before any schema is.
import * as z from 'zod'

z.config({ jitless: true })
