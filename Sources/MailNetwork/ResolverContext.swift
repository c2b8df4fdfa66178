// SPDX-License-Identifier: Apache-2.0

import CUnbound
import Dispatch
import Glibc
import NIOCore
import NIOPosix

/// A context of libunbound, owned: its configuration, its cache and its thread.
///
/// A lookup is handed to libunbound's thread, which reports on a descriptor; a thread of ours waits there and makes the
/// callbacks. The context locks itself, so any thread may use it (libunbound(3), "MULTI-THREADED").
final class ResolverContext: Sendable {
    /// `ub_ctx *`; Swift's pointers are not `Sendable`, for it cannot know what they point to.
    private let address: UInt
    /// The waiting thread ends, and frees the context, when this end of a pipe is closed.
    private let leash: CInt

    private var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: self.address) }

    /// Makes and configures a context.
    init(_ settings: ResolverSettings) throws(ResolverSettings.Fault) {
        guard let context = unsafe ub_ctx_create() else {
            throw ResolverSettings.Fault(description: "libunbound cannot be started")
        }
        var ends: [CInt] = [-1, -1]
        do throws(ResolverSettings.Fault) {
            try unsafe Self.configure(context, settings)
            guard unsafe pipe(&ends) == 0 else {
                throw ResolverSettings.Fault(
                    description: unsafe "no pipe for libunbound: \(String(cString: strerror(errno)))"
                )
            }
        } catch {
            unsafe ub_ctx_delete(context)
            throw error
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let address = UInt(bitPattern: context)
        let other = ends[0]
        self.address = address
        self.leash = ends[1]
        DispatchQueue(label: "letterhouse.resolver").async {
            Self.makeCallbacks(of: address, until: other)
        }
    }

    deinit {
        close(self.leash)
    }

    /// Makes callbacks as libunbound reports answers; when the leash is cut, frees the context, which nobody uses then.
    private static func makeCallbacks(of address: UInt, until leash: CInt) {
        let context = unsafe OpaquePointer(bitPattern: address)
        var waits = unsafe [
            pollfd(fd: ub_fd(context), events: Int16(POLLIN), revents: 0),
            pollfd(fd: leash, events: Int16(POLLIN), revents: 0),
        ]
        while waits[1].revents == 0 {
            guard unsafe poll(&waits, nfds_t(waits.count), -1) >= 0 || errno == EINTR else { break }
            if waits[0].revents != 0 { unsafe ub_process(context) }
        }
        close(leash)
        unsafe ub_ctx_delete(context)
    }

    private static func configure(
        _ context: OpaquePointer,
        _ settings: ResolverSettings
    ) throws(ResolverSettings.Fault) {
        func demand(_ status: CInt, _ what: String) throws(ResolverSettings.Fault) {
            guard status == 0 else {
                throw ResolverSettings.Fault(description: unsafe "\(what): \(String(cString: ub_strerror(status)))")
            }
        }
        try demand(unsafe ub_ctx_async(context, 1), "libunbound's thread")
        unsafe ub_ctx_debugout(context, nil)
        switch settings.upstream {
        case .recursion:
            break
        case .resolvConf(let path):
            try demand(unsafe ub_ctx_resolvconf(context, path), path)
            try unsafe Self.allowLoopback(context)
        case .forwarders(let addresses):
            for address in addresses {
                try demand(unsafe ub_ctx_set_fwd(context, address), "the forwarder \(address)")
            }
            try unsafe Self.allowLoopback(context)
        }
        if let path = settings.usableTrustAnchorFile {
            try demand(unsafe ub_ctx_add_ta_file(context, path), path)
        }
    }

    /// By default libunbound asks no server on this machine, which is where a local resolver listens.
    private static func allowLoopback(_ context: OpaquePointer) throws(ResolverSettings.Fault) {
        guard unsafe ub_ctx_set_option(context, "do-not-query-localhost:", "no") == 0 else {
            throw ResolverSettings.Fault(description: "libunbound does not allow servers on this machine")
        }
    }

    /// Looks one name up.
    ///
    /// - Throws: ``ResolutionError``; a cancelled task and a lookup that takes too long are temporary failures.
    func resolve(
        _ name: DomainName,
        type: RecordType,
        settings: ResolverSettings
    ) async throws(ResolutionError) -> DNSAnswer {
        let (outcomes, feed) = AsyncStream.makeStream(of: Lookup.Outcome.self)
        let query = try self.begin(
            name,
            type: type,
            lookup: Lookup(feed: feed, maximumRecords: settings.maximumRecords)
        )
        let timer = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: settings.timeout) {
            _ = feed.yield(.failure(.temporaryFailure(reason: "no answer in time")))
        }
        defer {
            timer.cancel()
            query.abandon(in: self)
        }
        var iterator = outcomes.makeAsyncIterator()
        let outcome = await iterator.next(isolation: #isolation)
        return try (outcome ?? .failure(.temporaryFailure(reason: "the lookup was cancelled"))).get()
    }

    private func begin(
        _ name: DomainName,
        type: RecordType,
        lookup: Lookup
    ) throws(ResolutionError) -> Query {
        // Libunbound keeps it until it has called back.
        let retained = unsafe Unmanaged.passRetained(lookup)
        var number: CInt = 0
        let internetClass: CInt = 1
        let status = unsafe ub_resolve_async(
            self.pointer,
            name.text,
            CInt(type.rawValue),
            internetClass,
            retained.toOpaque(),
            { lookup, status, result in
                guard let lookup = unsafe lookup else { return }
                unsafe Unmanaged<Lookup>.fromOpaque(lookup).takeRetainedValue().finish(status, result)
            },
            &number
        )
        guard status == 0 else {
            unsafe retained.release()
            throw .temporaryFailure(reason: unsafe String(cString: ub_strerror(status)))
        }
        return Query(number: number, lookup: lookup)
    }

    /// A lookup that is under way.
    private struct Query {
        let number: CInt
        let lookup: Lookup

        /// Forgets it.
        ///
        /// If it has not been answered yet, it never will be, and nobody else keeps the lookup.
        func abandon(in context: ResolverContext) {
            guard unsafe ub_cancel(context.pointer, self.number) == 0 else { return }
            unsafe Unmanaged.passUnretained(self.lookup).release()
        }
    }
}

/// Where the answer to one lookup goes.
private final class Lookup: Sendable {
    typealias Outcome = Result<DNSAnswer, ResolutionError>

    private let feed: AsyncStream<Outcome>.Continuation
    private let maximumRecords: Int

    init(feed: AsyncStream<Outcome>.Continuation, maximumRecords: Int) {
        self.feed = feed
        self.maximumRecords = maximumRecords
    }

    /// Takes libunbound's result, which is freed.
    func finish(_ status: CInt, _ result: UnsafeMutablePointer<ub_result>?) {
        defer { unsafe ub_resolve_free(result) }
        self.feed.yield(unsafe self.outcome(status, result?.pointee))
    }

    private func outcome(_ status: CInt, _ result: ub_result?) -> Outcome {
        guard status == 0, let result = unsafe result else {
            return .failure(.temporaryFailure(reason: unsafe String(cString: ub_strerror(status))))
        }
        if unsafe result.bogus != 0 {
            let reason = unsafe result.why_bogus.map { unsafe String(cString: $0) }
            return .failure(.bogus(reason: reason ?? "DNSSEC validation failed"))
        }
        if unsafe result.havedata != 0 {
            return .success(unsafe self.answer(result))
        }
        switch unsafe (result.nxdomain != 0, result.rcode) {
        case (true, _): return .failure(.noSuchName)
        case (false, 0): return .failure(.noRecords)
        case (false, let code): return .failure(.temporaryFailure(reason: "the name servers answer with code \(code)"))
        }
    }

    private func answer(_ result: ub_result) -> DNSAnswer {
        var records: [[UInt8]] = []
        while records.count < self.maximumRecords, let octets = unsafe result.data[records.count] {
            let count = Int(unsafe result.len[records.count])
            unsafe records.append(Array(UnsafeRawBufferPointer(start: octets, count: max(0, count))))
        }
        let name = unsafe result.qname.map { unsafe String(cString: $0) }.flatMap(DomainName.init)
        let canonical = unsafe result.canonname.map { unsafe String(cString: $0) }.flatMap(DomainName.init)
        return unsafe DNSAnswer(
            records: records,
            canonicalName: canonical == name ? nil : canonical?.text,
            isSecure: result.secure != 0,
            timeToLive: Int(result.ttl)
        )
    }
}
