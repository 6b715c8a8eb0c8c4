__version__: str

from .applications import (
    SwinBase as SwinBase,
    SwinLarge as SwinLarge,
    SwinNano as SwinNano,
    SwinSegmenter as SwinSegmenter,
    SwinSmall as SwinSmall,
    SwinTiny as SwinTiny,
    SwinV2Base as SwinV2Base,
    SwinV2Large as SwinV2Large,
    SwinV2Small as SwinV2Small,
    SwinV2Tiny as SwinV2Tiny,
    create_model as create_model,
)
from .benchmarking.benchmark import (
    Benchmark as Benchmark,
    benchmark as benchmark,
)
from .data import (
    check_folder as check_folder,
    load_dataset as load_dataset,
)
from .detection.decoding import (
    Detections as Detections,
    suppress_overlaps as suppress_overlaps,
)
from .detection.losses import (
    detection_loss as detection_loss,
    total_loss as total_loss,
)
from .errors import (
    DataError as DataError,
    ExportError as ExportError,
    Interrupted as Interrupted,
    ModelFileError as ModelFileError,
    ResourceError as ResourceError,
    SwinKerasError as SwinKerasError,
    TrainingError as TrainingError,
    UsageError as UsageError,
    WeightsError as WeightsError,
)
from .exporting.config import (
    ExportConfig as ExportConfig,
)
from .exporting.export import (
    export as export,
)
from .inference.evaluation import (
    evaluate as evaluate,
)
from .inference.predictor import (
    Prediction as Prediction,
    Predictor as Predictor,
)
from .layers import (
    AdaptivePooling as AdaptivePooling,
    BilinearResizing as BilinearResizing,
    ChannelDropout as ChannelDropout,
    ContinuousPositionBias as ContinuousPositionBias,
    CosineWindowAttention as CosineWindowAttention,
    DropPath as DropPath,
    Dropout as Dropout,
    EdgeDistances as EdgeDistances,
    NearestUpsampling as NearestUpsampling,
    PatchEmbedding as PatchEmbedding,
    PatchExpanding as PatchExpanding,
    PatchMerging as PatchMerging,
    PatchMergingV2 as PatchMergingV2,
    PositionEmbedding as PositionEmbedding,
    RelativePositionBias as RelativePositionBias,
    StopGradient as StopGradient,
    SwinTransformerBlock as SwinTransformerBlock,
    SwinTransformerV2Block as SwinTransformerV2Block,
    SyncBatchNormalization as SyncBatchNormalization,
    TopDetections as TopDetections,
    WindowAttention as WindowAttention,
    cyclic_shift as cyclic_shift,
    points_of as points_of,
    relative_position_index as relative_position_index,
    shifted_window_mask as shifted_window_mask,
    window_partition as window_partition,
    window_reverse as window_reverse,
)
from .models import (
    DetectionHead as DetectionHead,
    SegmentationHead as SegmentationHead,
    SwinBackbone as SwinBackbone,
    SwinClassifier as SwinClassifier,
    SwinConfig as SwinConfig,
    SwinDetector as SwinDetector,
    SwinV2Config as SwinV2Config,
    decode_predictions as decode_predictions,
    end_in_detections as end_in_detections,
    list_models as list_models,
    model_strides as model_strides,
    preprocess_input as preprocess_input,
    strides_of as strides_of,
    without_auxiliary as without_auxiliary,
)
from .scores.detection import (
    DetectionFigures as DetectionFigures,
    DetectionScore as DetectionScore,
)
from .training.config import (
    TrainConfig as TrainConfig,
)
from .training.launching import (
    launch as launch,
)
from .training.muon import (
    SwinMuon as SwinMuon,
)
from .training.optimizer import (
    SwinAdamW as SwinAdamW,
)
from .training.train import (
    train as train,
)
from .tuning.hyper_model import (
    SwinHyperModel as SwinHyperModel,
)
from .tuning.limits import (
    Limits as Limits,
)
from .tuning.space import (
    Space as Space,
)
from .tuning.study import (
    Study as Study,
)
from .tuning.tune import (
    tune as tune,
)
from .weights import (
    from_pretrained as from_pretrained,
    load_weights as load_weights,
)
