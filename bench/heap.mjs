// What is alive in a heap, by its kind, and what of it has become more.

/** Something that one review in a hundred leaves behind is a leak; caches of the engine grow by less. */
const ONE_IN = 100

/** @param snapshot as V8 writes it @returns `{ bytes, counts }`, the latter by constructor */
export function countByConstructor ({ snapshot: { meta }, nodes, strings }) {
  const fields = meta.node_fields
  const [type, name, size] = ['type', 'name', 'self_size'].map(field => fields.indexOf(field))
  const types = meta.node_types[type]
  const counts = new Map()
  let bytes = 0
  for (let at = 0; at < nodes.length; at += fields.length) {
    const kind = types[nodes[at + type]]
    // the name of an object is its constructor; of a string, its text
    const label = kind === 'object' || kind === 'native' || kind === 'closure' ? `${kind} ${strings[nodes[at + name]]}` : `(${kind})`
    counts.set(label, (counts.get(label) ?? 0) + 1)
    bytes += nodes[at + size]
  }
  return { bytes, counts }
}

/** @returns `[kind, more]`, the most first, of what `reviews` left behind */
export function compareHeaps (before, after, reviews) {
  return [...after.counts]
    .map(([kind, count]) => [kind, count - (before.counts.get(kind) ?? 0)])
    .filter(([, more]) => more >= reviews / ONE_IN)
    .sort(([, a], [, b]) => b - a)
}
