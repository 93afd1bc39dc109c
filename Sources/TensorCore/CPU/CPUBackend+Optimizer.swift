import CShims
import Foundation

extension CPUBackend {
  public func adamW(
    parameter: Storage, gradient: Storage, firstMoment: Storage, secondMoment: Storage, count: Int,
    _ step: AdamWStep
  ) {
    let (p, g, m, v) = (parameter.overwritten, gradient.host, firstMoment.overwritten, secondMoment.overwritten)
    let correction1 = Float(1 - pow(Double(step.beta1), Double(step.step)))
    let correction2 = Float(1 - pow(Double(step.beta2), Double(step.step)))
    pool.forEachRange(count, grain: Self.grain) { range in
      let start = range.lowerBound
      dd2_adamw(
        p + start, g + start, m + start, v + start, range.count, step.learningRate, step.beta1, step.beta2,
        step.epsilon, step.weightDecay, step.gradientScale, correction1, correction2)
    }
  }

  public func exponentialAverage(_ average: Storage, toward value: Storage, decay: Float, count: Int) {
    let (average, value) = (average.overwritten, value.host)
    pool.forEachRange(count, grain: Self.grain) { range in
      dd2_exponential_average(average + range.lowerBound, value + range.lowerBound, decay, range.count)
    }
  }
}
