import ArgumentParser
import TensorCore

/// Where a command computes.
struct DeviceOptions: ParsableArguments {
  @Option(help: "What computes.")
  var device = Device.cpu
}

extension Device: ExpressibleByArgument {}
