/* The page of the API: Swagger UI, which comes before this as a script of its own. */

declare const SwaggerUIBundle: (options: Readonly<Record<string, unknown>>) => unknown;

SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#docs',
  // Would ask a server far away whether the document is well-formed.
  validatorUrl: null,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
});
