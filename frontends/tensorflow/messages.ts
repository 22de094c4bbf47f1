// The protocol buffers of TensorFlow's files, as far as they are read: names and numbers of
// tensorflow/core/protobuf/*.proto and tensorflow/core/framework/*.proto.

import { decodeMessage, type MessageOf } from '../formats/protobuf.ts';

/** Fields of each message: number, type, and whether it repeats. */
export const tensorflowSchema = {
  SavedModel: { saved_model_schema_version: [1, 'int64'], meta_graphs: [2, 'MetaGraphDef', 'repeated'] },
  MetaGraphDef: {
    meta_info_def: [1, 'MetaInfoDef'],
    graph_def: [2, 'GraphDef'],
    saver_def: [3, 'SaverDef'],
    collection_def: [4, 'CollectionDef', 'map<string>'],
    signature_def: [5, 'SignatureDef', 'map<string>'],
    asset_file_def: [6, 'AssetFileDef', 'repeated'],
    object_graph_def: [7, 'SavedObjectGraph'],
  },
  MetaInfoDef: { tags: [4, 'string', 'repeated'], tensorflow_version: [5, 'string'] },
  SaverDef: { filename_tensor_name: [1, 'string'], save_tensor_name: [2, 'string'], restore_op_name: [3, 'string'] },
  CollectionDef: { node_list: [1, 'NodeList'], bytes_list: [2, 'BytesList'] },
  NodeList: { value: [1, 'string', 'repeated'] },
  BytesList: { value: [1, 'bytes', 'repeated'] },
  VariableDef: { variable_name: [1, 'string'], snapshot_name: [3, 'string'], trainable: [7, 'bool'] },
  AssetFileDef: { tensor_info: [1, 'TensorInfo'], filename: [2, 'string'] },
  SignatureDef: {
    inputs: [1, 'TensorInfo', 'map<string>'],
    outputs: [2, 'TensorInfo', 'map<string>'],
    method_name: [3, 'string'],
  },
  TensorInfo: { name: [1, 'string'], dtype: [2, 'enum'], tensor_shape: [3, 'TensorShapeProto'] },
  SavedObjectGraph: { nodes: [1, 'SavedObject', 'repeated'] },
  SavedObject: { children: [1, 'ObjectReference', 'repeated'], variable: [7, 'SavedVariable'] },
  SavedVariable: {
    dtype: [1, 'enum'],
    shape: [2, 'TensorShapeProto'],
    trainable: [3, 'bool'],
    name: [6, 'string'],
  },
  GraphDef: {
    node: [1, 'NodeDef', 'repeated'],
    library: [2, 'FunctionDefLibrary'],
    versions: [4, 'VersionDef'],
  },
  VersionDef: { producer: [1, 'int32'], min_consumer: [2, 'int32'] },
  NodeDef: {
    name: [1, 'string'],
    op: [2, 'string'],
    input: [3, 'string', 'repeated'],
    attr: [5, 'AttrValue', 'map<string>'],
  },
  AttrValue: {
    list: [1, 'ListValue'],
    s: [2, 'bytes'],
    i: [3, 'int64'],
    f: [4, 'float'],
    b: [5, 'bool'],
    type: [6, 'enum'],
    shape: [7, 'TensorShapeProto'],
    tensor: [8, 'TensorProto'],
    placeholder: [9, 'string'],
    func: [10, 'NameAttrList'],
  },
  ListValue: {
    s: [2, 'bytes', 'repeated'],
    i: [3, 'int64', 'repeated'],
    f: [4, 'float', 'repeated'],
    b: [5, 'bool', 'repeated'],
    type: [6, 'enum', 'repeated'],
    shape: [7, 'TensorShapeProto', 'repeated'],
    tensor: [8, 'TensorProto', 'repeated'],
    func: [9, 'NameAttrList', 'repeated'],
  },
  NameAttrList: { name: [1, 'string'], attr: [2, 'AttrValue', 'map<string>'] },
  TensorShapeProto: { dim: [2, 'Dim', 'repeated'], unknown_rank: [3, 'bool'] },
  Dim: { size: [1, 'int64'], name: [2, 'string'] },
  TensorProto: {
    dtype: [1, 'enum'],
    tensor_shape: [2, 'TensorShapeProto'],
    tensor_content: [4, 'bytes'],
    float_val: [5, 'float', 'repeated'],
    double_val: [6, 'double', 'repeated'],
    int_val: [7, 'int32', 'repeated'],
    string_val: [8, 'bytes', 'repeated'],
    scomplex_val: [9, 'float', 'repeated'],
    int64_val: [10, 'int64', 'repeated'],
    bool_val: [11, 'bool', 'repeated'],
    dcomplex_val: [12, 'double', 'repeated'],
    half_val: [13, 'int32', 'repeated'],
    uint32_val: [16, 'uint32', 'repeated'],
    uint64_val: [17, 'uint64', 'repeated'],
  },
  FunctionDefLibrary: { function: [1, 'FunctionDef', 'repeated'] },
  FunctionDef: {
    signature: [1, 'OpDef'],
    node_def: [3, 'NodeDef', 'repeated'],
    ret: [4, 'string', 'map<string>'],
    attr: [5, 'AttrValue', 'map<string>'],
    control_ret: [6, 'string', 'map<string>'],
  },
  OpDef: { name: [1, 'string'], input_arg: [2, 'ArgDef', 'repeated'], output_arg: [3, 'ArgDef', 'repeated'] },
  ArgDef: {
    name: [1, 'string'],
    type: [3, 'enum'],
    type_attr: [4, 'string'],
    number_attr: [5, 'string'],
    type_list_attr: [6, 'string'],
  },
  BundleHeaderProto: { num_shards: [1, 'int32'], endianness: [2, 'enum'], version: [3, 'VersionDef'] },
  BundleEntryProto: {
    dtype: [1, 'enum'],
    shape: [2, 'TensorShapeProto'],
    shard_id: [3, 'int32'],
    offset: [4, 'int64'],
    size: [5, 'int64'],
    crc32c: [6, 'fixed32'],
    slices: [7, 'TensorSliceProto', 'repeated'],
  },
  TensorSliceProto: { extent: [1, 'Extent', 'repeated'] },
  Extent: { start: [1, 'int64'], length: [2, 'int64'] },
  TrackableObjectGraph: { nodes: [1, 'TrackableObject', 'repeated'] },
  TrackableObject: {
    children: [1, 'ObjectReference', 'repeated'],
    attributes: [2, 'SerializedTensor', 'repeated'],
    slot_variables: [3, 'SlotVariableReference', 'repeated'],
  },
  ObjectReference: { node_id: [1, 'int32'], local_name: [2, 'string'] },
  SerializedTensor: { name: [1, 'string'], full_name: [2, 'string'], checkpoint_key: [3, 'string'] },
  SlotVariableReference: {
    original_variable_node_id: [1, 'int32'],
    slot_name: [2, 'string'],
    slot_variable_node_id: [3, 'int32'],
  },
} as const;

type Schema = typeof tensorflowSchema;
/** A message of TensorFlow's. */
export type Message<N extends keyof Schema> = MessageOf<Schema, N>;

/** Reads a message. Throws FormatError for damaged bytes. */
export const decode = <N extends keyof Schema & string>(name: N, bytes: Uint8Array, op: string): Message<N> =>
  decodeMessage(tensorflowSchema, name, bytes, op);
