// Tables of FlatBuffers, described: what is written and read by such a description is one thing.

/** `text` is a string. */
export type Scalar = 'bool' | 'u8' | 'u32' | 'u64' | 'text';
// biome-ignore lint/suspicious/noExplicitAny: tables of all kinds stand in one list
export type AnyTable = TableType<any>;
export type Single = Scalar | AnyTable;
/** A vector of something. */
export interface List {
  readonly list: Single;
}
export type FieldType = Single | List;
/** Fields of a table in the order of their numbers: name, type, value of a number that is absent. */
export type TableType<T> = readonly (readonly [name: keyof T & string, type: FieldType, absent?: number])[];

export const isList = (type: FieldType): type is List => typeof type === 'object' && 'list' in type;
/** Bytes of a scalar, or of an offset. */
export const widthOf = (type: FieldType): number => (type === 'u64' ? 8 : type === 'bool' || type === 'u8' ? 1 : 4);
