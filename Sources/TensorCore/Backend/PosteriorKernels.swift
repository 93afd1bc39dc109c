/// The codebook posterior.
public protocol PosteriorKernels {
}
