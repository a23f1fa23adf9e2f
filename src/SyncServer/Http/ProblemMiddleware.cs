using SyncServer.Core;

namespace SyncServer.Http;

/// <summary>
/// Turns every failure behind it into a problem document: exceptions, and the bodiless errors of the framework
/// (unknown route, wrong method, no token). Nothing escapes it, so an exception is logged here and nowhere else.
/// </summary>
internal sealed class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    /// <summary>nginx's "client closed request": nobody reads it, but the request's log line tells it from a success.</summary>
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception exception)
        {
            await AnswerAsync(context, exception);
            return;
        }

        var response = context.Response;
        if (response is { HasStarted: false, StatusCode: >= 400, ContentType: null, ContentLength: null })
        {
            await Problems.WriteAsync(context, FromStatus(response.StatusCode));
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception exception)
    {
        var response = context.Response;
        if (context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            response.StatusCode = response.HasStarted ? response.StatusCode : ClientClosedRequest;
            return;
        }

        var rejection = Classify(exception, Problems.TraceId(context));
        if (response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
            return;
        }

        response.Clear();
        await Problems.WriteAsync(context, rejection);
    }

    private Rejection Classify(Exception exception, string traceId)
    {
        if (exception is BadHttpRequestException { StatusCode: < 500 } bad)
        {
            return FromStatus(bad.StatusCode);
        }

        if (Unavailability.CauseOf(exception) is { } cause)
        {
            Log.Unavailable(logger, cause, traceId);
            return FromStatus(StatusCodes.Status503ServiceUnavailable);
        }

        Log.Unexpected(logger, Unavailability.Describe(exception), traceId);
        return FromStatus(StatusCodes.Status500InternalServerError);
    }

    private static Rejection FromStatus(int status) => status switch
    {
        401 => new(ErrorCode.Unauthorized, "The request needs an Authorization header with a valid bearer token."),
        403 => new(ErrorCode.Forbidden, "The caller may not do this here."),
        404 => new(ErrorCode.NotFound, "Nothing is served under this path, or nothing that the caller may know of."),
        405 => new(ErrorCode.MethodNotAllowed, "The Allow header names the methods of this path."),
        406 => new(ErrorCode.NotAcceptable, "The Accept header names no representation that this path has."),
        408 => new(ErrorCode.RequestTimeout, "The body did not arrive in time. Repeat the same bytes under the same key."),
        413 => new(ErrorCode.TooLarge, "The body is over the limit that /v1/session publishes."),
        415 => new(ErrorCode.UnsupportedMediaType, "The body's content type is not one that this path takes."),
        429 => new(ErrorCode.TooManyRequests, "Wait as long as Retry-After says, then repeat the request."),
        431 => new(ErrorCode.HeadersTooLarge, "The header fields are over the server's limit."),
        503 => new(ErrorCode.Unavailable, "Nothing is known about the request. Repeat the same bytes under the same key."),
        >= 500 => new(ErrorCode.Internal, "Nothing is known about the request. Repeat the same bytes under the same key."),
        _ => new(ErrorCode.InvalidRequest, "The request could not be read."),
    };
}
