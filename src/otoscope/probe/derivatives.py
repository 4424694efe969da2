"""Nodes of autograd's history by what their derivative depends on."""

from __future__ import annotations

from typing import Literal

Kind = Literal[
    "activation",
    "weight",
    "scale",
    "product",
    "recurrence",
    "normalisation",
    "weighting",
    "selection",
    "choice",
    "unknown",
]

#: Of nodes whose derivative depends on their input, by the stem of their name.
KINDS: dict[str, Kind] = {}
KINDS |= dict.fromkeys(
    (
        "Relu LeakyRelu PreluKernel RreluWithNoise Elu Celu Gelu Silu Mish Softplus Tanh Hardtanh Hardswish "
        "Hardshrink Softshrink Threshold Abs Clamp ClampMin ClampMax Sin Cos Tan Sinc Sinh Cosh Asin Acos Atan "
        "Asinh Acosh Atanh Atan2 Erf Erfc Erfinv Glu Hypot Logaddexp Logaddexp2 Sgn Angle"
    ).split(),
    "activation",
)
KINDS |= dict.fromkeys(
    (
        "Sigmoid Hardsigmoid LogSigmoid Softmax LogSoftmax MaskedSoftmax SafeSoftmax FlashAttention "
        "EfficientAttention CudnnAttention ScaledDotProductFlashAttention ScaledDotProductFlashAttentionForCpu "
        "ScaledDotProductEfficientAttention ScaledDotProductCudnnAttention "
        "ScaledDotProductFusedAttentionOverrideable Logit"
    ).split(),
    "weight",
)
KINDS |= dict.fromkeys(
    (
        "Exp Exp2 Expm1 Log Log2 Log10 Log1P Sqrt Rsqrt Pow Reciprocal Xlogy Cumprod Prod Logcumsumexp Digamma "
        "Lgamma I0 SpecialI0E SpecialEntr Polar LinalgDet LinalgSvd LinalgEigh LinalgInvEx LinalgSolveEx Cholesky"
    ).split(),
    "scale",
)
KINDS |= dict.fromkeys(
    ("MkldnnRnnLayer CudnnRnn MiopenRnn ThnnFusedLstmCell ThnnFusedGruCell").split(),
    "recurrence",
)
KINDS |= dict.fromkeys(
    (
        "NativeLayerNorm NativeBatchNormLegit NativeGroupNorm NativeBatchNorm CudnnBatchNorm MiopenBatchNorm "
        "BatchNormWithUpdate Var Std VarMean StdMean LinalgVectorNorm Norm Renorm FusedRmsNorm Cdist"
    ).split(),
    "normalisation",
)
KINDS |= dict.fromkeys(
    (
        "Max Min Amax Amin Aminmax Maximum Minimum Fmax Fmin Sort Topk Kthvalue Median Nanmedian Mode Cummax "
        "Cummin MaxPool2D MaxPool2DWithIndices MaxPool3DWithIndices MkldnnMaxPool2D AdaptiveMaxPool2D "
        "AdaptiveMaxPool3D FractionalMaxPool2D FractionalMaxPool3D Logsumexp Sign Round Floor Ceil Trunc Frac "
        "Fmod Remainder"
    ).split(),
    "selection",
)
#: Linear in each of two factors.
PRODUCTS = frozenset(
    (
        "Mul Div Mm Bmm Addmm Baddbmm Addbmm Addmv Addr Mv Dot Vdot Linear Matmul Lerp Addcmul Addcdiv "
        "LinalgCross Convolution MkldnnConvolution CudnnConvolution ConvolutionOverrideable MkldnnLinear "
        "SlowConv2D ThnnConv2D SlowConv3D SlowConvTranspose2D SlowConvTranspose3D MiopenConvolution "
        "MpsConvolution CudnnConvolutionTranspose SlowConvDilated2D ConvDepthwise2D ConvDepthwise3D Trilinear"
    ).split()
)
#: Of nodes whose derivative does not depend on their input.
LINEAR = frozenset(
    (
        "AccumulateGrad CopySlices CopyBackwards Clone ToCopy Alias Add Sub Rsub Neg Sum Mean Nansum Cumsum Trace "
        "View UnsafeView ReshapeAlias Expand Repeat Permute Transpose T Squeeze Unsqueeze Slice Select Index "
        "IndexSelect IndexAdd IndexPut IndexPutImpl IndexCopy IndexFill Gather Scatter ScatterAdd ScatterReduce "
        "Take Put MaskedFill MaskedSelect MaskedScatter Where Cat Stack Split UnsafeSplit SplitWithSizes "
        "UnsafeSplitWithSizes Chunk Unbind Unfold UnfoldBackward Im2Col Col2Im AsStrided Diagonal Tril Triu Flip "
        "Roll Rot90 ConstantPadNd ReflectionPad1D ReflectionPad2D ReflectionPad3D ReplicationPad1D "
        "ReplicationPad2D ReplicationPad3D AvgPool2D AvgPool3D AdaptiveAvgPool2D AdaptiveAvgPool3D "
        "MkldnnAdaptiveAvgPool2D UpsampleNearest1D UpsampleNearest2D UpsampleNearest3D UpsampleNearestExact1D "
        "UpsampleNearestExact2D UpsampleLinear1D UpsampleBilinear2D UpsampleBicubic2D UpsampleTrilinear3D FftR2C "
        "FftC2C FftC2R Complex Conj ConjPhysical ViewAsReal ViewAsComplex NativeDropout FusedDropout PixelShuffle "
        "PixelUnshuffle ChannelShuffle GridSampler2D GridSampler3D Fill Zero NanToNum Lift LiftFresh Embedding "
        "BlockDiag Values UnsafeIndex UnsafeMaskedIndex UnsafeIndexPut ConvTbc Deg2Rad Rad2Deg DiagEmbed "
        "LazyClone MaxUnpool2D MaxUnpool3D NarrowCopy NegView UpsampleNearestExact3D UpsampleBicubic2DAa "
        "UpsampleBilinear2DAa ReshapeCopy PinMemory SelectScatter SliceScatter DiagonalScatter AsStridedScatter "
        "MkldnnReshape ToMkldnn ToDense NativeBatchNormLegitNoTraining SliceInverse"
    ).split()
)
