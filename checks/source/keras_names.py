"""What Keras 2 has: names that a port may use without defining them."""

from __future__ import annotations

LAYER_ATTRIBUTES = frozenset(
    """
    activity_regularizer add_loss add_metric add_update add_variable add_weight build build_from_config built call compute_dtype
    compute_mask compute_output_shape compute_output_signature count_params dtype dtype_policy dynamic finalize_state from_config
    get_build_config get_config get_input_at get_input_mask_at get_input_shape_at get_output_at get_output_mask_at
    get_output_shape_at get_weights inbound_nodes input input_mask input_shape input_spec load_own_variables losses metrics name
    name_scope non_trainable_variables non_trainable_weights outbound_nodes output output_mask output_shape save_own_variables
    set_weights stateful submodules supports_masking trainable trainable_variables trainable_weights updates variable_dtype
    variables weights with_name_scope
    """.split()
)
"""Public attributes of `keras.layers.Layer` in Keras 2.9 and 2.14."""

LAYERS = frozenset(
    """
    AbstractRNNCell Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average AveragePooling1D
    AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
    Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D
    Cropping3D CuDNNGRU CuDNNLSTM Dense DenseFeatures DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense
    Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization HashedCrossing Hashing Identity Input InputLayer InputSpec
    IntegerLookup LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU LocallyConnected1D LocallyConnected2D Masking MaxPool1D
    MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU
    Permute RNN RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight RandomRotation RandomTranslation RandomWidth
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing SeparableConv1D SeparableConv2D SeparableConvolution1D
    SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization
    StackedRNNCells StringLookup Subtract TextVectorization ThresholdedReLU TimeDistributed UnitNormalization UpSampling1D
    UpSampling2D UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D add average concatenate deserialize dot experimental
    maximum minimum multiply serialize subtract
    """.split()
)
"""Names in `keras.layers` of the same releases."""
