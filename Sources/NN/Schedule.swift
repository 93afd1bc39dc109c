import Foundation

/// Learning rate against step: a linear warm-up, then constant or falling along a half cosine.
public struct LearningRateSchedule: Codable, Equatable, Sendable {
  /// The shape after the warm-up.
  public enum Shape: String, Codable, Sendable {
    /// Stays at the peak.
    case constant
    /// Falls to `floor` times the peak at `totalSteps`.
    case cosine
    /// Stays at the peak up to `totalSteps`, then falls with the inverse square root of the step: no end needs to be known.
    case inverseSquareRoot
  }

  /// Highest rate.
  public var peak: Float
  /// Steps of linear warm-up from 0.
  public var warmUpSteps: Int
  /// Where the cosine ends, or the fall of the inverse square root begins.
  public var totalSteps: Int
  /// Shape after the warm-up.
  public var shape: Shape
  /// Fraction of the peak at the end of the cosine.
  public var floor: Float

  /// A schedule.
  public init(
    peak: Float, warmUpSteps: Int = 0, totalSteps: Int = 1, shape: Shape = .constant, floor: Float = 0
  ) {
    self.peak = peak
    self.warmUpSteps = warmUpSteps
    self.totalSteps = totalSteps
    self.shape = shape
    self.floor = floor
  }

  /// The rate of an update; `step` counts from 0.
  public func rate(at step: Int) -> Float {
    if step < warmUpSteps { return peak * Float(step + 1) / Float(warmUpSteps) }
    switch shape {
    case .constant: return peak
    case .cosine:
      let span = max(1, totalSteps - warmUpSteps)
      let progress = min(1, Float(step - warmUpSteps) / Float(span))
      return peak * (floor + (1 - floor) * 0.5 * (1 + cos(Float.pi * progress)))
    case .inverseSquareRoot: return peak * min(1, (Float(totalSteps) / Float(step + 1)).squareRoot())
    }
  }
}
