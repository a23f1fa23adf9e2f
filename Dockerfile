# Builds with BuildKit and with the classic builder.

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# What a restore depends on comes first: as long as these files stay the same, the packages come from the cache.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/SyncServer.Core/SyncServer.Core.csproj src/SyncServer.Core/
COPY src/SyncServer/SyncServer.csproj src/SyncServer/
RUN dotnet restore src/SyncServer

# The analyzers' settings are in .editorconfig.
COPY .editorconfig ./
COPY src/ src/
# Without the native launcher the output is the same for every processor.
RUN dotnet publish src/SyncServer --no-restore --configuration Release --output /app -p:UseAppHost=false


FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
COPY --from=build /app ./

# Nothing is written to the file system, so it may be read-only: the diagnostics port would be a socket in /tmp, and the
# embedded PostgreSQL would keep its data in a layer that goes away with the container. A connection string is required.
# The base image has no Kerberos library, which Npgsql would look for at every start; a connection string may still ask.
ENV ASPNETCORE_HTTP_PORTS=8080 \
    DOTNET_EnableDiagnostics=0 \
    Postgres__Embedded=false \
    PGGSSENCMODE=disable

USER $APP_UID
EXPOSE 8080

# Liveness only: orchestrators replace a container that is unhealthy, which does not help a database that is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["dotnet", "SyncServer.dll", "health"]

# Commands go to the server: docker run … migrate
ENTRYPOINT ["dotnet", "SyncServer.dll"]
