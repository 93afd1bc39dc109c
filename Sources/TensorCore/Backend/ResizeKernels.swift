/// Resampling of feature maps.
public protocol ResizeKernels {
}
