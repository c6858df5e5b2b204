/** What a configuration file may contain, read off its zod schema: for the JSON Schema, the example and the reference. */
import { z } from 'zod'
import { idPattern } from '../../core/batch.ts'
import { secretKeys } from '../../core/config-file.ts'

export type JsonSchema = {
  $schema?: string
  title?: string
  description?: string
  type?: string
  format?: string
  pattern?: string
  const?: string
  enum?: unknown[]
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  properties?: Record<string, JsonSchema>
  required?: string[]
  additionalProperties?: JsonSchema | boolean
  items?: JsonSchema
  prefixItems?: JsonSchema[]
  anyOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  allOf?: JsonSchema[]
}

/** One key of a file. At most one of `keys`, `rows` and `variants` is there. */
export type Key = {
  name: string
  type: string
  description: string
  required: boolean
  default?: unknown
  /** Of a section. */
  keys?: Key[]
  /** Of each row of a list; of a list of several types, what all of them have. */
  rows?: Key[]
  /** What rows of a type have beside it. */
  rowTypes?: { type: string; keys: Key[] }[]
  /** Of a section that is chosen by its `type`. */
  variants?: { type: string; keys: Key[] }[]
}

/** The JSON Schema of what people write: before defaults, with `<secret>_file` beside each secret. */
export function jsonSchemaOf(schema: z.ZodType, title: string): JsonSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      // zod leaves out the default of what is transformed, such as 512MiB.
      if (def.type === 'default') jsonSchema.default ??= (def as { defaultValue?: unknown }).defaultValue as never
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.properties !== undefined) offerSecretFiles(jsonSchema as JsonSchema)
    },
  }) as JsonSchema
  const { $schema, ...rest } = json
  return { ...($schema && { $schema }), title, ...rest }
}

/** The loader reads a secret from the file that `<key>_file` names; the key itself may only refer to the environment. */
function offerSecretFiles(object: JsonSchema): void {
  for (const secret of secretKeys) {
    const value = object.properties?.[secret]
    if (object.properties === undefined || value === undefined) continue
    const file = `${secret}_file`
    object.properties[file] = { type: 'string', minLength: 1, description: `File that holds the ${secret}.` }
    object.properties[secret] = { ...value, pattern: '\\$\\{\\w+\\}' }
    if (!object.required?.includes(secret)) continue
    object.required = object.required.filter((name) => name !== secret)
    object.anyOf = [{ required: [secret] }, { required: [file] }]
  }
}

/** The keys of a section, in their order. A secret is shown as the file that holds it. */
export function keysOf({ properties = {}, required = [], anyOf = [] }: JsonSchema, section = ''): Key[] {
  const needed = new Set([...required, ...anyOf.flatMap((choice) => choice.required ?? [])])
  return Object.entries(properties).flatMap(([name, schema]) =>
    secretKeys.has(name) ? [] : [keyOf(name, schema, needed.has(name), section)],
  )
}

function keyOf(name: string, schema: JsonSchema, required: boolean, section: string): Key {
  const key: Key = {
    name,
    // A section of rates has keys that name something else: targets_bps.town.
    type: typeOf(section.endsWith('_bps') ? section : name, schema),
    description: schema.description ?? '',
    required,
    ...(schema.default !== undefined && { default: schema.default }),
  }
  const rows = schema.items?.properties
  if (schema.properties !== undefined) return { ...key, keys: keysOf(schema, name) }
  if (rows !== undefined) return { ...key, rows: keysOf(schema.items as JsonSchema) }
  if (schema.items?.oneOf !== undefined) return { ...key, ...rowsOfTypes(schema.items.oneOf.map(variantOf)) }
  if (schema.oneOf !== undefined) return { ...key, variants: schema.oneOf.map(variantOf) }
  return key
}

function variantOf(schema: JsonSchema) {
  return { type: schema.properties?.['type']?.const ?? '', keys: keysOf(schema) }
}

/** A list whose rows are chosen by their `type`: what all of them have alike, and the rest type by type. */
function rowsOfTypes(types: NonNullable<Key['variants']>): Pick<Key, 'rows' | 'rowTypes'> {
  const text = (key: Key) => JSON.stringify(key)
  const everywhere = (key: Key) => types.every(({ keys }) => keys.some((other) => text(other) === text(key)))
  const rows = types[0]?.keys.filter(everywhere) ?? []
  const rowTypes = types.map(({ type, keys }) => ({ type, keys: keys.filter((key) => !everywhere(key)) }))
  return { rows, rowTypes }
}

/** A type in words. */
function typeOf(name: string, schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(' or ')
  if (schema.oneOf !== undefined) return 'section'
  // A section with a secret wants the one or the other form of it.
  if (schema.anyOf !== undefined && schema.properties === undefined) return unionType(name, schema.anyOf)
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map((item) => typeOf(name, item)).join(', ')}]`
  switch (schema.type) {
    case 'array':
      if (schema.items?.oneOf !== undefined) return 'rows'
      return schema.items?.properties === undefined ? `list of ${typeOf(name, schema.items ?? {})}` : 'rows'
    case 'object':
      return schema.properties === undefined ? 'map' : 'section'
    case 'boolean':
      return '`true` or `false`'
    case 'integer':
    case 'number':
      return `${schema.type === 'integer' ? 'whole number' : 'number'}${rangeOf(schema)}`
    default:
      return textType(name, schema)
  }
}

function unionType(name: string, choices: JsonSchema[]): string {
  if (choices.some(({ properties }) => properties?.['zh'] !== undefined)) return 'text or {en, zh}'
  // A number or a number with its unit (core/units.ts).
  return name.endsWith('_bps') ? 'bit/s, or 500M' : 'bytes, or 512MiB'
}

function textType(name: string, { format, pattern }: JsonSchema): string {
  if (format === 'uri') return 'URL'
  if (pattern === idPattern.source) return 'id'
  if (/_(file|dir)$/.test(name)) return 'path'
  return 'text'
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return `, ${minimum}–${maximum}`
  return minimum === undefined ? '' : `, ≥ ${minimum}`
}
