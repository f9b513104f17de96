/** Every file that is made from the sources, by its path. */
export function generatedFiles (sources: Record<string, unknown>, read: (name: string) => string): Record<string, string>
