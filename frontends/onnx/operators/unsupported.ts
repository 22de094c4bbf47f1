// Operators that are not read, and why.

const strings = 'it works on texts, and there are no tensors of texts';

const maps =
  'its values are maps, and there are only tensors and sequences; leave it out when exporting (zipmap=False)';

/** By domain and name. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    DeformConv: 'convolutions at places that depend on elements have no operation here',
    ImageDecoder: 'images are decoded by tf.image.decodeImage before the model',
    MaxRoiPool: 'the windows of its regions depend on elements',
    RegexFullMatch: strings,
    StringConcat: strings,
    StringNormalizer: strings,
    StringSplit: strings,
    TfIdfVectorizer: 'it counts n-grams in vocabularies, mostly of texts',
  },
  'ai.onnx.ml': {
    CastMap: maps,
    CategoryMapper: strings,
    DictVectorizer: maps,
    SVMClassifier: 'its probabilities come of an iteration over pairs of classes whose length depends on elements',
    TreeEnsemble: 'the converters write TreeEnsembleClassifier and TreeEnsembleRegressor, which are read',
    ZipMap: maps,
  },
};

/** Why an operator of a version is not read. */
export function unsupportedReason(domain: string, op: string, version: number): string {
  const why = Object.hasOwn(reasons, domain) && Object.hasOwn(reasons[domain], op) ? reasons[domain][op] : undefined;
  if (why) return why;
  if (version === 0) return `the model does not import the operator set '${domain}', and has no function of that name`;
  return domain === ''
    ? 'there is no such operator in ai.onnx 7 to 26'
    : `the operator set '${domain}' has no such operator here`;
}
