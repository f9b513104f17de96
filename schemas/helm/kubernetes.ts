/** Values that the chart passes on unchanged; Kubernetes validates them. */
import { Type, type TSchema } from '@sinclair/typebox'
import { Closed, MapOf } from '../primitives.js'

export function KubernetesObject (description: string, value: object = {}) {
  return Type.Unsafe<Record<string, unknown>>({ type: 'object', default: value, description })
}

export function KubernetesList (description: string, value: object[] = []) {
  return Type.Unsafe<Array<Record<string, unknown>>>({ type: 'array', items: { type: 'object' }, default: value, description })
}

/** Labels or annotations. */
export function StringMap (description: string, value: Record<string, string> = {}) {
  return MapOf(Type.String(), { default: value, description })
}

/** The name of a Kubernetes object, or an empty string. */
export function ObjectName (description: string) {
  return Type.String({ maxLength: 253, pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$', expected: 'a name of lower-case letters, digits, dots and hyphens', default: '', description })
}

export function Flag (value: boolean, description: string) {
  return Type.Boolean({ default: value, description })
}

export function Text (value: string, description: string) {
  return Type.String({ default: value, description })
}

export function Count (value: number, { minimum = 1, maximum = 1000 }: { readonly minimum?: number, readonly maximum?: number }, description: string) {
  return Type.Integer({ minimum, maximum, default: value, description })
}

/** A group of values, each with its own default. */
export function Group<T extends Record<string, TSchema>> (description: string, properties: T) {
  return Closed(properties, { default: {}, description })
}
