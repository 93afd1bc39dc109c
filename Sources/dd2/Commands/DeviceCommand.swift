import ArgumentParser

/// Commands about what dd2 can compute on.
struct DeviceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device", abstract: "List what dd2 can compute on, and install what that takes.",
    subcommands: [DeviceList.self, DeviceInstall.self, DeviceProbe.self])
}
