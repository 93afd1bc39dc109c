/// Normalisation layers.
public protocol NormKernels {
}
