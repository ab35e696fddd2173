import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifySchema } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { SESSION_COOKIE } from './authenticate.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Bodies that the route reads by itself, by content type, for the description only. */
    requestBodies?: Record<string, { schema: z.ZodType }>
  }
}

/** The pages of /docs load scripts and styles from here and set styles from scripts; nothing comes from elsewhere. */
const DOCS_POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}

/** OpenAPI 3.1 at /openapi.json, made from the routes' schemas, and pages to read and try it at /docs. To be called before the routes are added. */
export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'pixwarden',
        version,
        description: 'Image moderation on a queue. Errors are problem details (RFC 9457) with a stable `code`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'uploads', description: 'Images and what was decided about them.' },
        { name: 'reviews', description: 'What people decide.' },
        { name: 'webhooks', description: 'Where platforms hear of decisions, and how that went.' },
        { name: 'policies', description: 'What images are judged by.' },
        { name: 'sessions', description: 'Signing in and out, in a browser.' },
        { name: 'keys', description: 'What programs and people prove themselves with.' },
        { name: 'feed', description: 'What happens, as it happens.' },
        { name: 'operation', description: 'How the service is.' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', bearerFormat: 'pxw_…' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description: 'Of somebody who signed in. Whatever is no GET or HEAD needs the header X-CSRF-Token too.',
          },
        },
      },
    },
    transformObject: (document) => withoutInputs(jsonSchemaTransformObject(document)),
    transform: (document) => {
      const transformed = jsonSchemaTransform(document)
      const bodies = document.route.config?.requestBodies
      return bodies ? { ...transformed, schema: { ...transformed.schema, body: contentOf(bodies) } } : transformed
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: DOCS_POLICY,
    uiConfig: { deepLinking: true, validatorUrl: null },
    theme: { title: 'pixwarden API', css: [{ filename: 'theme.css', content: '.topbar { display: none }' }] },
  })
  app.get('/openapi.json', { schema: { hide: true }, logLevel: 'warn' }, async () => app.swagger())
}

/** Named schemas are those of answers here; what they would be as input is of no use to anyone. */
function withoutInputs<D extends object>(description: D): D {
  const { components } = description as { components?: { schemas?: object } }
  const schemas = Object.entries(components?.schemas ?? {}).filter(([name]) => !name.endsWith('Input'))
  return { ...description, components: { ...components, schemas: Object.fromEntries(schemas) } }
}

function contentOf(bodies: Record<string, { schema: z.ZodType }>): FastifySchema['body'] {
  return {
    content: Object.fromEntries(
      Object.entries(bodies).map(([type, { schema }]) => [type, { schema: z.toJSONSchema(schema, { io: 'input' }) }]),
    ),
  }
}
