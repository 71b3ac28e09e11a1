import { z } from 'zod';

import { NonRetryableError, workflow } from '#sdk/index.ts';

import { pause } from './pause.ts';

/* One step fans out into two branches: a mail on one side, profile and permissions on the other. */

const newUser = z.object({ username: z.string().min(1), email: z.string() });

export const userRegistration = workflow('user_registration', { input: newUser })
  .task('validate_email', {
    run: async ({ email }) => {
      await pause(200);
      if (!email.includes('@')) throw new NonRetryableError(`"${email}" is not an e-mail address.`);
      return { email_valid: true, domain: email.slice(email.indexOf('@') + 1) };
    },
  })
  .task('create_account', {
    needs: ['validate_email'],
    run: async ({ username }) => {
      await pause(400);
      return { user_id: `user_${username}` };
    },
  })
  .task('send_welcome_email', {
    needs: ['create_account'],
    run: async ({ email }) => {
      await pause(500);
      return { welcome_sent_to: email };
    },
  })
  .task('setup_profile', {
    needs: ['create_account'],
    run: async ({ user_id }) => {
      await pause(300);
      return { profile: `/profiles/${user_id}` };
    },
  })
  .task('assign_permissions', {
    needs: ['setup_profile'],
    run: async ({ domain }) => {
      await pause(200);
      return { permissions: domain === 'example.com' ? ['read', 'write'] : ['read'] };
    },
  })
  .build();
