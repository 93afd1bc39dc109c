import Foundation
import TensorCore
import XLADevice

/// What is known of one value of `--device`.
struct DeviceReport: Codable {
  /// A device that was found.
  struct Found: Codable {
    /// What it is, such as `NVIDIA H100 80GB HBM3`.
    let kind: String
    /// Bytes of its memory that are taken, and that there are, where the plugin says.
    let memoryInUse: Int?
    let memoryLimit: Int?
  }

  let device: Device
  /// The plugin's file.
  var plugin: String?
  /// The version of PJRT's API that the plugin has.
  var apiVersion: String?
  /// The platform's versions, as the plugin writes them.
  var platformVersion: String?
  var devices: [Found] = []
  /// Why it cannot be used, and what to do.
  var problem: String?

  init(_ device: Device) { self.device = device }

  /// Opens the plugin in this process, which a broken one may end.
  init(opening device: Device) {
    self.init(device)
    guard let kind = device.plugin else {
      devices = [Found(kind: Backends.current.summary, memoryInUse: nil, memoryLimit: nil)]
      return
    }
    do {
      let client = try PJRTClient.open(kind, holdsMemory: false)
      apiVersion = "\(client.plugin.apiVersion.major).\(client.plugin.apiVersion.minor)"
      platformVersion = client.platformVersion.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      for device in client.devices {
        let memory = try client.memory(of: device)
        devices.append(Found(kind: device.kind, memoryInUse: memory?.inUse, memoryLimit: memory?.limit))
      }
    } catch {
      problem = error.description
    }
  }

  /// What it is, in words.
  var summary: String {
    if let problem { return problem }
    return devices.map { device in
      func gigabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / Double(1 << 30)) }
      let memory = device.memoryLimit.map { " (\(gigabytes(device.memoryInUse ?? 0)) of \(gigabytes($0)) GiB in use)" }
      return device.kind + (memory ?? "")
    }.joined(separator: ", ")
  }
}

/// Looks at plugins in processes of their own: one that crashes, or waits for another process, ends nothing.
enum DeviceProbing {
  /// Seconds that a plugin has to start.
  private static let patience = 60.0

  /// What is known of a device.
  static func report(_ device: Device) -> DeviceReport {
    var report = DeviceReport(device)
    guard let kind = device.plugin else { return DeviceReport(opening: device) }
    do {
      report.plugin = try PluginSearch().path(of: kind)
    } catch {
      report.problem = error.description
      return report
    }
    switch answer(to: ["device", "probe", device.rawValue]) {
    case .success(let text):
      do {
        var answer = try Console.jsonDecoder.decode(DeviceReport.self, from: text)
        answer.plugin = report.plugin
        return answer
      } catch {
        report.problem = "the plugin gives no answer; install it again, or another version"
      }
    case .failure(let error): report.problem = error.description
    }
    return report
  }

  /// What a call of this program prints.
  private static func answer(to arguments: [String]) -> Result<Data, CommandFailure> {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    let output = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    let deadline = Date(timeIntervalSinceNow: patience)
    do {
      try process.run()
    } catch {
      return .failure(CommandFailure(.unavailable, "this program does not start again (\(error.localizedDescription))"))
    }
    while process.isRunning, Date() < deadline { usleep(10_000) }
    guard !process.isRunning else {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      return .failure(
        CommandFailure(
          .unavailable,
          "the plugin does not start within \(Int(patience)) s; look for "
            + "another process that uses the device"))
    }
    guard process.terminationReason == .exit else {
      return .failure(
        CommandFailure(
          .unavailable,
          "the plugin ends its process with signal \(process.terminationStatus); install it again, or "
            + "another version"))
    }
    return .success(output.fileHandleForReading.readDataToEndOfFile())
  }
}
