"""Operators that are known to multiply and accumulate nothing worth counting.

They move, compare, look up, add or scale elements one by one, pool, normalise or interpolate. What
stands neither here nor in `products` is not counted, and so is the model that has it.
"""

from __future__ import annotations

from benchhub.compress.files.counting.call import STANDARD

_STANDARD = """
Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool
BatchNormalization Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor
BlackmanWindow Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Compress Concat
ConcatFromSequence Constant ConstantFill ConstantOfShape Cos Cosh CumProd CumSum DepthToSpace
DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Expand EyeLike Flatten Floor
Gather GatherElements GatherND Gelu GlobalAveragePool GlobalLpPool GlobalMaxPool Greater
GreaterOrEqual GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish
Hardmax Identity ImageDecoder ImageScaler InstanceNormalization IsInf IsNaN LRN LayerNormalization
LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool Max MaxPool MaxRoiPool MaxUnpool
Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg
NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement
OptionalHasElement Or PRelu Pad ParametricSoftplus Pow QuantizeLinear RMSNormalization
RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2
ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round ScaledTanh
Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase
SequenceInsert SequenceLength Shape Shrink Sigmoid Sign SimplifiedLayerNormalization Sin Sinh Size
Slice Softmax SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt
Squeeze StringConcat StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter
TfIdfVectorizer ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor
"""
_MICROSOFT = """
BiasAdd BiasDropout BiasGelu BiasSoftmax BiasSplitGelu BitmaskBiasDropout BitmaskDropout
CropAndResize DequantizeBFP DequantizeLinear DequantizeWithOrder EmbedLayerNormalization ExpandDims
FastGelu GatherBlockQuantized GatherND Gelu GemmaRotaryEmbedding GridSample GroupNorm IsAllFinite
MaxpoolWithMask MulInteger MurmurHash3 NhwcMaxPool Pad QEmbedLayerNormalization QLinearAdd
QLinearAveragePool QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul
QLinearReduceMean QLinearSigmoid QLinearSoftmax QLinearWhere QuantizeBFP QuantizeLinear
QuantizeWithOrder QuickGelu Range ReduceSumInteger RemovePadding RestorePadding RotaryEmbedding
SkipGroupNorm SkipLayerNormalization SkipSimplifiedLayerNormalization SwiGLU Tokenizer Trilu Unique
"""
_LEARNERS = """
ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer
LabelEncoder Normalizer OneHotEncoder Scaler TreeEnsemble TreeEnsembleClassifier
TreeEnsembleRegressor ZipMap
"""
#: (domain, operator).
FREE = frozenset(
    {(domain, name) for name in _STANDARD.split() for domain in STANDARD}
    | {("com.microsoft", name) for name in _MICROSOFT.split()}
    | {("ai.onnx.ml", name) for name in _LEARNERS.split()}
)
