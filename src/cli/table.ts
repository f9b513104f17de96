/** Tables in the format of kubectl. */
import { escapeLine } from '../printable.js'

/** A heading, and the cell of a row; an empty cell is printed as `-`. */
export type Column<Row> = readonly [heading: string, cell: (row: Row) => string | undefined]

export function formatTable<Row> (values: readonly Row[], columns: ReadonlyArray<Column<Row>>): string[] {
  const rows = [columns.map(([heading]) => heading), ...values.map(value => columns.map(([, cell]) => escapeLine(cell(value) ?? '') || '-'))]
  const widths = columns.map((_column, index) => rows.reduce((widest, row) => Math.max(widest, row[index]?.length ?? 0), 0))
  return rows.map(row => row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd())
}
