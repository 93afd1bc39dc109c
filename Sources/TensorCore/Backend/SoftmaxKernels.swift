/// Softmax, log-softmax and cross-entropy.
public protocol SoftmaxKernels {
}
