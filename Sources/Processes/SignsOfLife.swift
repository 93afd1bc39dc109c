import CMPI
import Foundation

/// Notices processes that no longer answer: every process tells the first one every other second that it lives and what it
/// does, and the first one tells all others.
struct SignsOfLife {
  private let rank: Int
  /// The processes that this one listens to.
  private let others: [Int]
  private let hosts: [String]
  private var heard: [Int: (time: ContinuousClock.Instant, place: String)]
  private var sending: [Int: (message: Message, request: dd2_mpi_request)] = [:]
  private var sent: ContinuousClock.Instant
  private var looked: ContinuousClock.Instant

  private static let interval = Duration.seconds(2)
  /// A process that is silent for so long is lost.
  private static let patience = Duration.seconds(30)

  /// - Parameter hosts: the names of the processes' hosts, in their order.
  init(rank: Int, hosts: [String]) {
    self.rank = rank
    self.hosts = hosts
    others = rank == 0 ? Array(1..<hosts.count) : [0]
    let now = ContinuousClock.now
    heard = Dictionary(uniqueKeysWithValues: others.map { ($0, (now, "the start")) })
    (sent, looked) = (now - Self.interval, now)
  }

  /// Sends and receives what is due.
  /// - Parameters:
  ///   - place: what this process does.
  ///   - deliver: called with messages that are no signs of life.
  /// - Throws: `JobError.lost` where a process does not answer.
  mutating func look(place: () -> String, deliver: ([UInt8], Int) -> Void) throws(JobError) {
    let now = ContinuousClock.now
    // After this process was stopped itself, such as by a scheduler that makes room, it has not listened.
    if now - looked > Self.interval * 2 { for other in others { heard[other]?.time = now } }
    guard now - looked > .milliseconds(50) else { return }
    looked = now
    if now - sent >= Self.interval {
      sent = now
      try send(Message([KeyValues.Kind.life.rawValue] + place().utf8.prefix(200)))
    }
    try receive(now, deliver)
    for other in others {
      guard let last = heard[other], now - last.time > Self.patience else { continue }
      throw .lost(rank: other, host: hosts[other], silence: Self.patience, place: last.place)
    }
  }

  private mutating func send(_ message: Message) throws(JobError) {
    for other in others {
      if var before = sending[other] {
        var isDone = false
        try attempt { dd2_mpi_is_done(&before.request, &isDone) }
        sending[other] = isDone ? nil : before
        // Who does not even take what was sent before gets no more.
        if !isDone { continue }
      }
      var request = dd2_mpi_request()
      try attempt { dd2_mpi_send(message.bytes.baseAddress, message.bytes.count, Int32(other), &request) }
      sending[other] = (message, request)
    }
  }

  private mutating func receive(
    _ now: ContinuousClock.Instant, _ deliver: ([UInt8], Int) -> Void
  ) throws(JobError) {
    while true {
      var (arrived, from, size) = (false, Int32(0), 0)
      try attempt { dd2_mpi_probe(&arrived, &from, &size) }
      guard arrived else { return }
      let message = Message([UInt8](repeating: 0, count: size))
      try attempt { dd2_mpi_receive(message.bytes.baseAddress, size, from) }
      let bytes = Array(message.bytes)
      let isLife = bytes.first == KeyValues.Kind.life.rawValue
      let place = isLife ? String(decoding: bytes.dropFirst(), as: UTF8.self) : heard[Int(from)]?.place
      heard[Int(from)] = (now, place ?? "the start")
      if !isLife { deliver(bytes, Int(from)) }
    }
  }
}

/// Bytes that stay where they are while MPI works on them.
final class Message {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ bytes: [UInt8]) {
    self.bytes = .allocate(byteCount: bytes.count, alignment: 8)
    self.bytes.copyBytes(from: bytes)
  }

  deinit { bytes.deallocate() }
}
