import ArgumentParser

/// `dd2 device list`: what `--device` may name, and what of it is there.
struct DeviceList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the values of --device with what was found for each.",
    discussion: "Example: dd2 device list")

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let reports = Device.allCases.map(DeviceProbing.report)
    guard !json else { return try Console.result(json: reports) }
    let rows = reports.map { report in
      let versions = [report.apiVersion, report.platformVersion].map { $0.map { String($0.prefix(Self.width)) } ?? "-" }
      return [report.device.rawValue] + versions + [report.plugin ?? "-", report.summary]
    }
    try Console.result(TextTable([["DEVICE", "PJRT", "PLATFORM", "PLUGIN", "FOUND"]] + rows).description)
  }

  /// Characters of a version that a table shows.
  private static let width = 24
}

/// What `dd2 device list` asks of a process of its own.
struct DeviceProbe: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "probe", abstract: "Open a device's plugin and say what it finds.", shouldDisplay: false)

  @Argument(help: "A value of --device.")
  var device: Device

  func run() throws { try Console.result(json: DeviceReport(opening: device)) }
}
