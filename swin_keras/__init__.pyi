__version__: str

from .applications import (
    SwinBase as SwinBase,
)
from .applications import (
    SwinDetector as SwinDetector,
)
from .applications import (
    SwinLarge as SwinLarge,
)
from .applications import (
    SwinNano as SwinNano,
)
from .applications import (
    SwinSegmenter as SwinSegmenter,
)
from .applications import (
    SwinSmall as SwinSmall,
)
from .applications import (
    SwinTiny as SwinTiny,
)
from .applications import (
    SwinV2Base as SwinV2Base,
)
from .applications import (
    SwinV2Large as SwinV2Large,
)
from .applications import (
    SwinV2Small as SwinV2Small,
)
from .applications import (
    SwinV2Tiny as SwinV2Tiny,
)
from .applications import (
    create_model as create_model,
)
from .benchmarking.benchmark import (
    Benchmark as Benchmark,
)
from .benchmarking.benchmark import (
    benchmark as benchmark,
)
from .data import (
    check_folder as check_folder,
)
from .data import (
    load_dataset as load_dataset,
)
from .detection.decoding import (
    Detections as Detections,
)
from .detection.decoding import (
    suppress_overlaps as suppress_overlaps,
)
from .detection.losses import (
    detection_loss as detection_loss,
)
from .detection.losses import (
    total_loss as total_loss,
)
from .errors import (
    DataError as DataError,
)
from .errors import (
    ExportError as ExportError,
)
from .errors import (
    Interrupted as Interrupted,
)
from .errors import (
    ModelFileError as ModelFileError,
)
from .errors import (
    ResourceError as ResourceError,
)
from .errors import (
    SwinKerasError as SwinKerasError,
)
from .errors import (
    TrainingError as TrainingError,
)
from .errors import (
    UsageError as UsageError,
)
from .errors import (
    WeightsError as WeightsError,
)
from .explaining.explain import (
    Explanation as Explanation,
)
from .explaining.explain import (
    explain as explain,
)
from .explaining.explainer import (
    Explainer as Explainer,
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
)
from .inference.predictor import (
    Predictor as Predictor,
)
from .layers import (
    AdaptivePooling as AdaptivePooling,
)
from .layers import (
    BilinearResizing as BilinearResizing,
)
from .layers import (
    ChannelDropout as ChannelDropout,
)
from .layers import (
    ContinuousPositionBias as ContinuousPositionBias,
)
from .layers import (
    CosineWindowAttention as CosineWindowAttention,
)
from .layers import (
    Dropout as Dropout,
)
from .layers import (
    DropPath as DropPath,
)
from .layers import (
    EdgeDistances as EdgeDistances,
)
from .layers import (
    LayerNormalization as LayerNormalization,
)
from .layers import (
    NearestUpsampling as NearestUpsampling,
)
from .layers import (
    PatchEmbedding as PatchEmbedding,
)
from .layers import (
    PatchExpanding as PatchExpanding,
)
from .layers import (
    PatchMerging as PatchMerging,
)
from .layers import (
    PatchMergingV2 as PatchMergingV2,
)
from .layers import (
    PositionEmbedding as PositionEmbedding,
)
from .layers import (
    RelativePositionBias as RelativePositionBias,
)
from .layers import (
    StopGradient as StopGradient,
)
from .layers import (
    SwinTransformerBlock as SwinTransformerBlock,
)
from .layers import (
    SwinTransformerV2Block as SwinTransformerV2Block,
)
from .layers import (
    SyncBatchNormalization as SyncBatchNormalization,
)
from .layers import (
    TopDetections as TopDetections,
)
from .layers import (
    WindowAttention as WindowAttention,
)
from .layers import (
    cyclic_shift as cyclic_shift,
)
from .layers import (
    points_of as points_of,
)
from .layers import (
    relative_position_index as relative_position_index,
)
from .layers import (
    shifted_window_mask as shifted_window_mask,
)
from .layers import (
    window_partition as window_partition,
)
from .layers import (
    window_reverse as window_reverse,
)
from .models import (
    DetectionHead as DetectionHead,
)
from .models import (
    SegmentationHead as SegmentationHead,
)
from .models import (
    SwinBackbone as SwinBackbone,
)
from .models import (
    SwinClassifier as SwinClassifier,
)
from .models import (
    SwinConfig as SwinConfig,
)
from .models import (
    SwinV2Config as SwinV2Config,
)
from .models import (
    decode_predictions as decode_predictions,
)
from .models import (
    end_in_detections as end_in_detections,
)
from .models import (
    list_models as list_models,
)
from .models import (
    model_strides as model_strides,
)
from .models import (
    preprocess_input as preprocess_input,
)
from .models import (
    strides_of as strides_of,
)
from .models import (
    without_auxiliary as without_auxiliary,
)
from .scores.detection import (
    DetectionFigures as DetectionFigures,
)
from .scores.detection import (
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
)
from .weights import (
    load_weights as load_weights,
)
