/// Two-dimensional convolution, channels-last.
public protocol ConvolutionKernels {
}
