/// Fused attention and rotary embedding.
public protocol AttentionKernels {
}
